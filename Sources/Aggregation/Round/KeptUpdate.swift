// SPDX-License-Identifier: MIT

import Primitives

/// The one update that a participant ever encodes under a base (protocol section 5, rule (b)).
public struct KeptUpdate: Equatable, Sendable {
    /// The base that it was computed from.
    public let base: Digest
    /// local − global, one a parameter; empty in a closing round.
    public let delta: [Float]
    /// The samples that it was computed from; 0 in a closing round.
    public let samples: Int
    /// What this participant's test data say of the model that it was given: summed loss, correct answers, samples.
    public let lossSum: Double
    public let correct: Int
    public let tested: Int
    /// The secret seed of its blinds, 32 bytes.
    public let seed: SecretBytes

    /// Makes an update from its parts.
    public init(
        base: Digest, delta: [Float], samples: Int, lossSum: Double, correct: Int, tested: Int, seed: SecretBytes
    ) {
        self.base = base
        self.delta = delta
        self.samples = samples
        self.lossSum = lossSum
        self.correct = correct
        self.tested = tested
        self.seed = seed
    }

    /// Encodes the update for the file that keeps it.
    public func encoded() -> [UInt8] {
        var writer = StateWriter()
        writer.fixed(base.bytes)
        writer.u64(UInt64(samples))
        writer.u64(lossSum.bitPattern)
        writer.u64(UInt64(correct))
        writer.u64(UInt64(tested))
        writer.fixed(seed.exposedBytes())
        writer.u64(UInt64(delta.count))
        for value in delta { writer.u32(value.bitPattern) }
        return writer.checkedBytes
    }

    /// Reads the file that `encoded()` made; nil when it is torn or not one.
    public init?(encoded bytes: [UInt8]) {
        guard var reader = StateReader(checked: bytes), let base = reader.digest(), let samples = reader.count(),
            let loss = reader.u64(),
            let correct = reader.count(), let tested = reader.count(), let seed = reader.take(32),
            let count = reader.count(), count <= reader.remaining / 4, reader.remaining == 4 * count
        else { return nil }
        self.base = base
        self.samples = samples
        lossSum = Double(bitPattern: loss)
        self.correct = correct
        self.tested = tested
        self.seed = SecretBytes(seed)
        delta = (0..<count).compactMap { _ in reader.u32().map(Float.init(bitPattern:)) }
    }

    /// The two blind elements of the vector in one round.
    func blind(ctx: Digest) -> [UInt64] {
        var stream = XofHmacSha256Aes128(seed: seed, dst: "summand/v1 blind", binder: ctx.bytes)
        return stream.nextFieldWords(count: 2)
    }
}
