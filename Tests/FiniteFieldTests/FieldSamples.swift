// SPDX-License-Identifier: MIT

import FiniteField
import Testing

/// A generator that gives the same numbers in every run (SplitMix64).
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The modulus, written once more as a number of another type.
let p = UInt128(1) << 64 - UInt128(1) << 32 + 1

/// Words around every place where carries and reductions happen.
let edges: [UInt64] = [
    0, 1, 2, 7, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x1_0000_0001, 1 << 63, UInt64((p - 1) / 2),
    UInt64((p - 1) / 2 + 1), 0xFFFF_FFFE_FFFF_FFFF, 0xFFFF_FFFF_0000_0000 - 1, UInt64(p - 1),
]

/// Canonical words, half of them from `edges`.
func sample(_ count: Int, _ random: inout TestRandom) -> [UInt64] {
    (0..<count).map { _ in
        let word = random.next()
        return word & 1 == 0 ? edges[Int(word >> 1 % UInt64(edges.count))] : UInt64(UInt128(word) % p)
    }
}

/// Any words, a quarter of them not below the modulus.
func lazySample(_ count: Int, _ random: inout TestRandom) -> [UInt64] {
    sample(count, &random).map { word in
        let draw = random.next()
        return draw & 3 == 0 ? .max - draw >> 2 % 0xFFFF_FFFF : word
    }
}

/// The lengths that vectorised loops split differently, and a long one.
let lengths = Array(0...70) + [4099]

/// Primes of every kind of lane, in hexadecimal: tiny ones, ones that leave few guard bits or none in their last limb (64,
/// 128: 2^64 − 59, 2^128 − 159), wide ones, the largest size taken.
let knownPrimes: [String: String] = [
    "2": "2",
    "3": "3",
    "5": "5",
    "61": "1fffffffffffffff",
    "64": "ffffffffffffffc5",
    "127": "7f" + String(repeating: "ff", count: 15),
    "128": String(repeating: "ff", count: 15) + "61",
    "255": "7f" + String(repeating: "ff", count: 30) + "ed",
    "521": "01" + String(repeating: "ff", count: 65),
    "600": String(repeating: "ff", count: 74) + "a1",
    "4096": String(repeating: "ff", count: 510) + "f60b",
    "field64": "ffffffff00000001",
]

/// The prime of `knownPrimes` with this name.
func knownPrime(_ name: String) throws -> PrimeModulus {
    try PrimeModulus(hexadecimal: #require(knownPrimes[name]))
}
