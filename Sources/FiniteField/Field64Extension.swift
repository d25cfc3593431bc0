// SPDX-License-Identifier: MIT

/// An element of F_{p²} = F_p[w]/(w² − 7) over Field64, where the checks on vectors are computed (protocol section 7).
public struct Field64Extension: Sendable, Hashable {
    /// The additive identity.
    public static let zero = Field64Extension(one: 0, w: 0)
    /// The multiplicative identity.
    public static let one = Field64Extension(one: 1, w: 0)

    /// The 1-part, below the modulus; drawn and stored first.
    public let one: UInt64
    /// The w-part, below the modulus; drawn and stored second.
    public let w: UInt64

    /// Makes an element of its two parts, each reduced modulo p.
    public init(one: UInt64, w: UInt64) {
        self.init(Field64(reducing: one), Field64(reducing: w))
    }

    init(_ one: Field64, _ w: Field64) {
        self.one = one.canonical
        self.w = w.canonical
    }

    private var parts: (one: Field64, w: Field64) {
        (Field64(unchecked: one), Field64(unchecked: w))
    }

    /// Adds two elements.
    public static func + (a: Field64Extension, b: Field64Extension) -> Field64Extension {
        Field64Extension(a.parts.one + b.parts.one, a.parts.w + b.parts.w)
    }

    /// Subtracts one element from another.
    public static func - (a: Field64Extension, b: Field64Extension) -> Field64Extension {
        Field64Extension(a.parts.one - b.parts.one, a.parts.w - b.parts.w)
    }

    /// Multiplies two elements: (a + b·w)(c + d·w) = ac + 7bd + (ad + bc)·w.
    public static func * (x: Field64Extension, y: Field64Extension) -> Field64Extension {
        let (a, b) = x.parts
        let (c, d) = y.parts
        return Field64Extension(a * c + Field64(unchecked: 7) * b * d, a * d + b * c)
    }

    /// Evaluates τ_z(V) = Σ_k V[k]·z^(len−k) over a whole vector (protocol section 7).
    public static func tau(_ z: Field64Extension, _ vector: Field64Vector) -> Field64Extension {
        tau(z, vector, in: 0..<vector.count)
    }

    /// Evaluates τ_z over the elements of a range within `0..<vector.count`.
    public static func tau(
        _ z: Field64Extension, _ vector: Field64Vector, in range: Range<Int>
    ) -> Field64Extension {
        var evaluation = TauEvaluation(point: z)
        evaluation.absorb(vector.words.span.extracting(range))
        return evaluation.value
    }
}
