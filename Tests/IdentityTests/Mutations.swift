// SPDX-License-Identifier: MIT

/// A copy of `bytes` with one to four bytes changed, cut off or put in.
func mutated(_ bytes: [UInt8], using generator: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0...bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
        case 1 where index < bytes.count: bytes.remove(at: index)
        case 2: bytes.removeLast(min(bytes.count, Int.random(in: 0...3, using: &generator)))
        default: if index < bytes.count { bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
        }
    }
    return bytes
}

/// SplitMix64 from a fixed seed: a mutation that is found once is found again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64 = 1) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
