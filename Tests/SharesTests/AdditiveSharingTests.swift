// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Shares
import Testing

@Suite struct AdditiveSharingTests {
    private func secret(_ party: Int, count: Int) -> Field64Vector {
        // The extremes in front, anything behind.
        let edges = [0, 1, Field64.modulus - 1].prefix(count)
        var stream = XofHmacSha256Aes128(seed: SecretBytes(bytes(party, count: 32)), dst: "test")
        return Field64Vector(unreduced: edges + stream.nextFieldWords(count: count - edges.count))
    }

    /// Every number of parties, survivor sets of every size, every party a slot as in mode `all`.
    @Test(arguments: 1...7)
    func theSumOfTheSurvivorsComesBackExactly(parties: Int) throws {
        var random = SystemRandom()
        let count = 5
        for survivors in 1..<(1 << parties) where survivors % 3 != 2 || parties < 5 {
            let members = (0..<parties).filter { survivors >> $0 & 1 == 1 }
            let explicit = try members.map { party in
                try ExplicitShare(
                    masking: secret(party, count: count),
                    with: (0..<parties).map { try sampleMask(party: party, slot: $0) })
            }
            let aggregates = try (0..<parties).map { slot in
                try AggregateShare(
                    of: members.map { try sampleMask(party: $0, slot: slot) }, count: count, using: &random)
            }
            var expected = Field64Vector(count: count)
            for party in members { try expected.add(secret(party, count: count)) }
            let sum = try AdditiveSharing.reconstruct(explicit: explicit, aggregates: aggregates, using: &random)
            #expect(sum == expected)
        }
    }

    @Test func oneMissingMaskLeavesNothingReadable() throws {
        var random = SystemRandom()
        let masks = try (0..<3).map { try sampleMask(party: 1, slot: $0) }
        let share = try ExplicitShare(masking: secret(1, count: 4), with: masks)
        let aggregates = try masks.map { try AggregateShare(of: [$0], count: 4, using: &random) }
        let sum = try AdditiveSharing.reconstruct(
            explicit: [share], aggregates: Array(aggregates.dropLast()), using: &random)
        var padded = secret(1, count: 4)
        try padded.add(masks[2].mask(count: 4))
        #expect(sum == padded)
    }

    @Test(arguments: [1, 2, 3, 10], [0, 1, 9])
    func explicitSharesAddUpInAnyOrder(parties: Int, count: Int) throws {
        let vector = secret(3, count: count)
        let context = bytes(1, count: 32)
        let shares = try AdditiveSharing.share(vector, count: parties, context: context)
        #expect(shares.map(\.index.value) == (1...UInt32(parties)).map { $0 })
        #expect(try AdditiveSharing.reconstruct(shares) == vector)
        #expect(try AdditiveSharing.reconstruct(shares.reversed()) == vector)
        if parties > 1 {
            #expect(throws: ShareError.tooFewShares(expected: parties, actual: parties - 1)) {
                try AdditiveSharing.reconstruct(Array(shares.dropFirst()))
            }
            if count > 0 {
                let again = try AdditiveSharing.share(vector, count: parties, context: context)
                #expect(again != shares, "fresh randomness each time")
            }
        }
    }

    @Test func explicitSharesOfOtherVectorsAreRefused() throws {
        let context = bytes(1, count: 32)
        func shares(_ count: Int, elements: Int = 4, round: Int = 1) throws -> [AdditiveShare] {
            try AdditiveSharing.share(
                secret(1, count: elements), count: count, context: bytes(round, count: 32))
        }
        let three = try shares(3)
        #expect(throws: ShareError.noShares) { try shares(0) }
        #expect(throws: ShareError.noShares) { try AdditiveSharing.reconstruct([]) }
        #expect(throws: ShareError.contextMismatch(expected: context, actual: bytes(2, count: 32))) {
            try AdditiveSharing.reconstruct([three[0], three[1], shares(3, round: 2)[2]])
        }
        #expect(throws: ShareError.countMismatch(expected: 4, actual: 5)) {
            try AdditiveSharing.reconstruct([three[0], three[1], shares(3, elements: 5)[2]])
        }
        #expect(throws: ShareError.shareCountMismatch(expected: 3, actual: 4)) {
            try AdditiveSharing.reconstruct([three[0], three[1], shares(4)[2]])
        }
        #expect(throws: ShareError.duplicateShare(three[1].index)) {
            try AdditiveSharing.reconstruct([three[0], three[1], three[1]])
        }
        #expect(throws: ShareError.wrongLength(of: .context, expected: 32, actual: 31)) {
            try AdditiveSharing.share(secret(1, count: 4), count: 2, context: bytes(1, count: 31))
        }
        #expect(throws: ShareError.indexOutOfRange(three[2].index, shareCount: 2)) {
            try AdditiveShare(context: context, index: three[2].index, shareCount: 2, vector: three[2].vector)
        }
        #expect("\(three[1])" == "AdditiveShare(2 of 3)")
        #expect(Mirror(reflecting: three[1]).children.isEmpty)
    }

    @Test func sharesThatDoNotBelongTogetherAreRefused() throws {
        var random = SystemRandom()
        let vector = secret(1, count: 4)
        let mask = try sampleMask(party: 1, slot: 0)
        #expect(throws: ShareError.noShares) { try ExplicitShare(masking: vector, with: []) }
        #expect(throws: ShareError.duplicateSlot(0)) { try ExplicitShare(masking: vector, with: [mask, mask]) }
        #expect(throws: ShareError.partyMismatch(expected: bytes(1, count: 16), actual: bytes(2, count: 16))) {
            try ExplicitShare(masking: vector, with: [mask, sampleMask(party: 2, slot: 1)])
        }
        let foreign = ShareError.contextMismatch(expected: bytes(1, count: 32), actual: bytes(2, count: 32))
        #expect(throws: foreign) {
            try ExplicitShare(masking: vector, with: [mask, sampleMask(party: 1, slot: 1, round: 2)])
        }
        #expect(throws: foreign) {
            try AggregateShare(of: [mask, sampleMask(party: 2, slot: 0, round: 2)], count: 4, using: &random)
        }
        #expect(throws: ShareError.duplicateParty(bytes(1, count: 16))) {
            try AggregateShare(of: [mask, mask], count: 4, using: &random)
        }
        #expect(throws: ShareError.slotMismatch(expected: 0, actual: 1)) {
            try AggregateShare(of: [mask, sampleMask(party: 2, slot: 1)], count: 4, using: &random)
        }
        let share = try ExplicitShare(masking: vector, with: [mask])
        let aggregate = try AggregateShare(of: [mask], count: 4, using: &random)
        #expect(throws: ShareError.duplicateSlot(0)) {
            try AdditiveSharing.reconstruct(explicit: [share], aggregates: [aggregate, aggregate], using: &random)
        }
        #expect(throws: ShareError.noShares) {
            try AdditiveSharing.reconstruct(explicit: [share], aggregates: [], using: &random)
        }
        let short = try AggregateShare(of: [mask], count: 3, using: &random)
        #expect(throws: ShareError.countMismatch(expected: 4, actual: 3)) {
            try AdditiveSharing.reconstruct(explicit: [share], aggregates: [short], using: &random)
        }
        let foreignShare = try AggregateShare(
            of: [sampleMask(party: 1, slot: 0, round: 2)], count: 4, using: &random)
        #expect(throws: foreign) {
            try AdditiveSharing.reconstruct(explicit: [share], aggregates: [foreignShare], using: &random)
        }
    }
}
