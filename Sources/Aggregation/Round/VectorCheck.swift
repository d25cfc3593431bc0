// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives

/// The check inside the vector: a keyed polynomial over F_{p²} that only members can make (protocol section 7).
///
/// `t_i = τ_z(V_i) + r_i` travels in the vector; whoever receives the sum compares `t` with `τ_z(V_S) + Σ_{i∈U} r_i`.
public struct VectorCheck: Sendable {
    private let key: SecretBytes
    private let ctx: Digest
    private let point: Field64Extension

    /// Derives `K = HMAC(G, "check" ‖ ctx)` and the point z, redrawn while its w-part is 0.
    public init(key checkKey: CheckKey, ctx: Digest) {
        key = HMACSHA256.deriveKey(LabeledBytes("check").fixed(ctx).bytes, key: checkKey.key)
        self.ctx = ctx
        var stream = XofHmacSha256Aes128(seed: key, dst: "summand/v1 check z", binder: ctx.bytes)
        point = Self.drawPoint { stream.nextFieldWords(count: 2) }
    }

    /// Draws a pair of elements, 1-part then w-part, until the w-part is not 0.
    static func drawPoint(_ pair: () -> [UInt64]) -> Field64Extension {
        while true {
            let words = pair()
            if words[1] != 0 { return Field64Extension(one: words[0], w: words[1]) }
        }
    }

    /// The pad r_i of a participant.
    func pad(of participant: PartyID) -> Field64Extension {
        var stream = XofHmacSha256Aes128(
            seed: key, dst: "summand/v1 check pad", binder: ctx.bytes + participant.bytes)
        let words = stream.nextFieldWords(count: 2)
        return Field64Extension(one: words[0], w: words[1])
    }

    /// Computes the tag t_i over V, which is X_i without its last four elements.
    public func tag(over values: Field64Vector, participant: PartyID) -> Field64Extension {
        Field64Extension.tau(point, values) + pad(of: participant)
    }

    /// Tells whether a sum of whole vectors carries the tag that its other elements demand.
    ///
    /// - Parameters:
    ///   - sum: D elements, the last four of which are tag and blind.
    ///   - survivors: the participants whose vectors were summed.
    public func holds(for sum: Field64Vector, survivors: [PartyID]) -> Bool {
        guard sum.count >= 4 else { return false }
        let end = sum.count - 4
        var expected = Field64Extension.tau(point, sum[0..<end])
        for participant in survivors { expected = expected + pad(of: participant) }
        return expected == Field64Extension(one: sum[end], w: sum[end + 1])
    }
}
