// SPDX-License-Identifier: MIT

public import Primitives

/// How finely a round encodes: bits per digit and Δ = 2^e of each transform block (protocol section 8).
public struct EncodingScale: Sendable, Hashable, Codable {
    /// The bits of the exact encoding.
    public static let exactBits = 63
    /// The exact encoding, which has no blocks.
    public static let exact = EncodingScale(bits: UInt8(exactBits), exponents: [])

    /// b, bits per digit: 7…32, or 63 for exact.
    public let bits: UInt8
    /// e of each transform block; empty when exact.
    public let exponents: [Int32]

    /// States a scale without judging it; `EncodingParameters` does.
    public init(bits: UInt8, exponents: [Int32]) {
        self.bits = bits
        self.exponents = exponents
    }

    /// scaleHash = H("scale", b, i32 e per block) of protocol section 5.
    public var hash: Digest {
        LabeledBytes("scale").u8(bits).variable(exponentBytes).hash
    }

    /// The exponents, 4 big-endian bytes each.
    var exponentBytes: [UInt8] {
        exponents.flatMap { exponent in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: exponent >> $0) }
        }
    }

    /// What people call an encoding: `exact`, or the bits of a digit.
    public static func name(bits: UInt8) -> String { Int(bits) == exactBits ? "exact" : "\(bits)" }

    /// L, how many digits of this many bits one element holds; nil for bits that the protocol does not have.
    public static func digitsPerElement(bits: Int) -> Int? {
        switch bits {
        case 7...32: 64 / bits
        case exactBits: 1
        default: nil
        }
    }
}
