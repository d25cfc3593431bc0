// SPDX-License-Identifier: MIT

internal import CFieldKernels

/// Evaluates τ_z(V) = Σ_k V[k]·z^(len−k) over a vector that comes in parts: acc ← (acc + V[k])·z (protocol section 7).
public struct TauEvaluation: Sendable {
    private let point: Field64Extension
    private var state = Field64Extension.zero

    /// Starts with the empty vector, whose value is zero.
    public init(point: Field64Extension) {
        self.point = point
    }

    /// The value over everything absorbed.
    public var value: Field64Extension { state }

    /// Continues with the next elements, any words, taken modulo p.
    public mutating func absorb(_ words: Span<UInt64>) {
        let acc = field64_extension(one: state.one, w: state.w)
        let z = field64_extension(one: point.one, w: point.w)
        let next = unsafe words.withUnsafeBufferPointer { words in
            guard let base = words.baseAddress else { return acc }
            return unsafe field64_extension_absorb(acc, z, base, words.count)
        }
        state = Field64Extension(one: next.one, w: next.w)
    }

    /// Continues with the elements of a vector.
    public mutating func absorb(_ vector: Field64Vector) {
        absorb(vector.words.span)
    }
}
