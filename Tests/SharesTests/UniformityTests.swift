// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

/// Judges what a subset of the shares of a fixed secret says: several vectors of words, element by element.
private enum Joint {
    /// Bits that each of 1, 2, 3 shares brings to a joint bin: at least 97 elements fall into each.
    private static let bits = [8, 5, 3]

    /// The checks that fail: joint bins of the shares' highest and lowest bits.
    static func failures(_ shares: [[UInt64]], bitsOfAWord: Int = 64) -> [String] {
        let bits = bits[shares.count - 1]
        let mask: UInt64 = (1 << UInt64(bits)) - 1
        var high = ChiSquare(bins: 1 << (bits * shares.count))
        var low = high
        for element in shares[0].indices {
            var (top, bottom) = (0, 0)
            for share in shares {
                top = top << bits | Int(share[element] >> UInt64(bitsOfAWord - bits))
                bottom = bottom << bits | Int(share[element] & mask)
            }
            high.add(top)
            low.add(bottom)
        }
        return (high.isPassed ? [] : ["high bits"]) + (low.isPassed ? [] : ["low bits"])
    }
}

/// Any proper subset of the shares of a fixed secret is uniformly random, as far as 10^5 elements can tell.
@Suite struct UniformityTests {
    static let count = 100_000

    /// A secret that shows through whatever fails to hide it: the same small number everywhere.
    private let secret = Field64Vector(unreduced: [UInt64](repeating: 5, count: count))

    /// The names of proper subsets of shares that do not look random, by themselves or by their sum.
    private func suspicious(_ shares: [Field64Vector]) throws -> [String] {
        let words = shares.map { $0.canonicalWords() }
        return try (1..<(1 << shares.count) - 1).flatMap { subset in
            let members = shares.indices.filter { subset >> $0 & 1 == 1 }
            var sum = Field64Vector(count: Self.count)
            for member in members { try sum.add(shares[member]) }
            let failures =
                Joint.failures(members.map { words[$0] })
                + (members.count > 1 ? Joint.failures([sum.canonicalWords()]).map { "\($0) of the sum" } : [])
            return failures.map { "\(members): \($0)" }
        }
    }

    @Test func explicitSharesAreUniformInAnyProperSubset() throws {
        let shares = try AdditiveSharing.share(
            secret, count: 4, context: bytes(1, count: 32), seed: SecretBytes(bytes(77, count: 32)))
        #expect(try suspicious(shares.map(\.vector)) == [])
    }

    /// The explicit share and all masks but one, or masks alone: whatever a coalition can hold.
    @Test func compressedSharesAreUniformInAnyProperSubset() throws {
        let masks = try (0..<3).map { try sampleMask(party: 1, slot: $0, key: 99) }
        let explicit = try ExplicitShare(masking: secret, with: masks)
        let negated = masks.map { mask in
            // What adds up to the secret is Y and the masks' negatives.
            var share = Field64Vector(count: Self.count)
            share.subtract(masks: [mask])
            return share
        }
        #expect(try suspicious([explicit.vector] + negated) == [])
    }

    @Test func aBiasIsSeen() throws {
        let good = try AdditiveSharing.share(
            secret, count: 3, context: bytes(1, count: 32), seed: SecretBytes(bytes(78, count: 32))
        ).map(\.vector)
        #expect(try suspicious(good) == [])

        /// Shares of which the second gets what `change` makes of its words.
        func sharing(_ change: (Int, UInt64) -> UInt64) throws -> [Field64Vector] {
            let second = Field64Vector(
                unreduced: good[1].canonicalWords().enumerated().map { change($0.offset, $0.element) })
            var rest = secret
            try rest.subtract(good[0])
            try rest.subtract(second)
            return [good[0], second, rest]
        }
        // The secret itself in one element of sixteen, without a mask.
        #expect(try !suspicious(sharing { $0 % 16 == 0 ? 5 : $1 }).isEmpty)
        // A mask below 2^63.
        #expect(try !suspicious(sharing { $1 >> 1 }).isEmpty)
        // The lowest bit is set a little too often.
        #expect(try !suspicious(sharing { $0 % 16 == 0 ? $1 | 1 : $1 }).isEmpty)
        // One mask used twice: each share alone is random.
        let twice = good[0].canonicalWords()
        #expect(try suspicious(sharing { place, _ in twice[place] }).contains { $0.hasPrefix("[0, 1]") })
        // The shares of two parties give the secret: only their sum says so.
        let negated = twice.map { (-Field64(reducing: $0) + Field64(reducing: 5)).canonical }
        #expect(
            try suspicious(sharing { place, _ in negated[place] }).contains { $0.hasPrefix("[0, 1]: high bits of the") }
        )
    }

    /// Values of one share in every place for 10^5 sharings of one scalar.
    private func shamir(_ sharing: ShamirSharing, seed: UInt64) throws -> [[UInt64]] {
        var generator = TestGenerator(seed: seed)
        let secret = PrimeFieldElement(5, in: sharing.modulus)
        var values = [[UInt64]](repeating: [], count: sharing.shareCount)
        for place in values.indices { values[place].reserveCapacity(Self.count) }
        for _ in 0..<Self.count {
            let shares = try sharing.share(secret, context: bytes(1, count: 32), using: &generator)
            for (place, share) in shares.enumerated() { values[place].append(share.value.limbs[0]) }
        }
        return values
    }

    /// Subsets of at most `most` shares that do not look random.
    private func suspicious(_ values: [[UInt64]], upTo most: Int, bits: Int) -> [String] {
        (1..<(1 << values.count)).filter { $0.nonzeroBitCount <= most }.flatMap { subset in
            let members = values.indices.filter { subset >> $0 & 1 == 1 }
            return Joint.failures(members.map { values[$0] }, bitsOfAWord: bits).map { "\(members): \($0)" }
        }
    }

    @Test func scalarSharesAreUniformInAnySubsetBelowTheThreshold() throws {
        let field = try PrimeModulus(decimal: "2305843009213693951")
        let sharing = try ShamirSharing(modulus: field, threshold: 3, shareCount: 3)
        #expect(try suspicious(shamir(sharing, seed: 5), upTo: 2, bits: 61) == [])
        // With a threshold of 2 a pair says everything, which is seen.
        let weak = try ShamirSharing(modulus: field, threshold: 2, shareCount: 2)
        let values = try shamir(weak, seed: 6)
        #expect(suspicious(values, upTo: 1, bits: 61) == [])
        #expect(suspicious(values, upTo: 2, bits: 61).contains { $0.hasPrefix("[0, 1]") })
    }

    @Test func theLimitIsWhereItShouldBe() {
        // Quantiles at 1 − 10^-6 from the regularized incomplete gamma function.
        for (freedom, quantile) in [(255, 377.078), (511, 677.600), (1023, 1252.581)] {
            #expect(abs(ChiSquare(bins: freedom + 1).limit / quantile - 1) < 1e-3)
        }
    }
}
