// SPDX-License-Identifier: MIT

internal import CVectorKernels
internal import Primitives

/// Computes guard elements Σ c_j·z_j, one after the other (protocol section 8).
///
/// Guard g covers the digits since the guard before it, j from 0; c_j are the 16-bit little-endian words, OR 1, of
/// XOF(H("guard", ctx), dst `summand/v1 guard`, binder u32 g). An overflow of digit j, a carry 2^b to it and 1 to the next,
/// changes the sum by c_(j+1) − 2^b·c_j, which a coordinator that does not choose ctx cannot make vanish.
struct GuardSum: ~Copyable {
    /// Digits whose coefficients are drawn at a time.
    private static let drawn = 4096
    /// The field's prime.
    private static let modulus: Int128 = 0xffff_ffff_0000_0001

    private var stream: NumberedStream
    private var index = 0
    private var coefficients = [UInt64](repeating: 0, count: drawn / 4)
    private var used = drawn
    // At most 9·2^16 products below 2^47.
    private var sum: Int128 = 0

    /// Starts with guard 0 of the round `ctx`.
    init(ctx: Digest) {
        stream = NumberedStream(seed: SecretBytes(LabeledBytes("guard").fixed(ctx).hash), domain: "guard")
        stream.start(0)
    }

    /// Adds the next `count` digits.
    mutating func absorb(_ digits: [Int32], at offset: Int, count: Int) {
        var done = 0
        while done < count {
            if used == Self.drawn {
                stream.read(into: &coefficients)
                used = 0
            }
            let piece = min(count - done, Self.drawn - used)
            sum += Int128(packed_guard_sum(digits, offset + done, piece, coefficients, used))
            done += piece
            used += piece
        }
    }

    /// Gives the element of the guard and begins the next one.
    mutating func finish() -> UInt64 {
        let remainder = sum % Self.modulus
        index += 1
        stream.start(index)
        used = Self.drawn
        sum = 0
        return UInt64(remainder < 0 ? remainder + Self.modulus : remainder)
    }
}
