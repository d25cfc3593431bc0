// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

/// Rounds of random shape: parties, slots, survivors, lengths, block sizes, threads and arithmetic.
@Suite struct RoundPropertyTests {
    private struct Shape: CustomStringConvertible {
        let parties, slots, count, blockElements, threads: Int
        let survivors: [Int]
        let arithmetic: Arithmetic

        init(using generator: inout TestGenerator) {
            parties = .random(in: 1...6, using: &generator)
            slots = .random(in: 1...4, using: &generator)
            // Short vectors, with zero and one among them, and some of more than one tile.
            count =
                [0, 1, .random(in: 2...40, using: &generator), .random(in: 500...1100, using: &generator)]
                .randomElement(using: &generator) ?? 0
            blockElements =
                [1, .random(in: 2...17, using: &generator), .random(in: 300...700, using: &generator)]
                .randomElement(using: &generator) ?? 1
            threads = .random(in: 1...3, using: &generator)
            arithmetic = Bool.random(using: &generator) ? .field64 : .gmp
            let set = Int.random(in: 1..<1 << parties, using: &generator)
            survivors = (0..<parties).filter { set >> $0 & 1 == 1 }
        }

        var description: String {
            """
            \(survivors) of \(parties) parties, \(slots) slots, \(count) elements in blocks of \(blockElements), \
            \(threads) threads, \(arithmetic)
            """
        }
    }

    /// The extremes in front, anything behind.
    private func secret(_ party: Int, _ shape: Shape, using generator: inout TestGenerator) -> Field64Vector {
        let edges: [UInt64] = [Field64.modulus - 1, 0, 1]
        return Field64Vector(
            unreduced: (0..<shape.count).map { $0 < edges.count ? edges[($0 + party) % 3] : generator.next() })
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func theSumOfTheSurvivorsComesBackBitForBit(seed: UInt64) throws {
        var generator = TestGenerator(seed: seed)
        let shape = Shape(using: &generator)
        let secrets = (0..<shape.parties).map { secret($0, shape, using: &generator) }
        func masks(of party: Int) throws -> [MaskStream] {
            try (0..<shape.slots).map { try sampleMask(party: party, slot: $0, key: Int(seed)) }
        }
        let explicit = try shape.survivors.map { party in
            try ExplicitShare(
                masking: secrets[party], with: masks(of: party), threads: shape.threads, arithmetic: shape.arithmetic,
                blockElements: shape.blockElements)
        }
        let aggregates = try (0..<shape.slots).map { slot in
            try AggregateShare(
                of: shape.survivors.map { try masks(of: $0)[slot] }, count: shape.count, threads: shape.threads,
                arithmetic: shape.arithmetic, blockElements: shape.blockElements, using: &generator)
        }
        var expected = [UInt64](repeating: 0, count: shape.count)
        for party in shape.survivors {
            for (place, word) in secrets[party].canonicalWords().enumerated() {
                expected[place] = UInt64((UInt128(expected[place]) + UInt128(word)) % UInt128(Field64.modulus))
            }
        }
        let sum = try AdditiveSharing.reconstruct(
            explicit: explicit.shuffled(using: &generator), aggregates: aggregates.shuffled(using: &generator),
            arithmetic: shape.arithmetic, using: &generator)
        #expect(sum.canonicalWords() == expected, "\(shape)")
        // The same round in one block and on one thread sends other bytes for other blocks, but the same sum.
        if shape.count > shape.blockElements {
            let whole = try ExplicitShare(masking: secrets[shape.survivors[0]], with: masks(of: shape.survivors[0]))
            #expect(whole != explicit[0], "\(shape)")
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func anyNumberOfExplicitSharesAddsUp(seed: UInt64) throws {
        var generator = TestGenerator(seed: 1000 + seed)
        let shape = Shape(using: &generator)
        let vector = secret(0, shape, using: &generator)
        let shares = try AdditiveSharing.share(
            vector, count: shape.parties, context: bytes(1, count: 32), seed: SecretBytes(bytes(Int(seed), count: 32)))
        #expect(try AdditiveSharing.reconstruct(shares.shuffled(using: &generator)) == vector, "\(shape)")
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func anyThresholdSubsetOfAnySharingGivesTheScalar(seed: UInt64) throws {
        var generator = TestGenerator(seed: 2000 + seed)
        let primes = ShamirSharingTests.primes.suffix(5)
        let prime = try PrimeModulus(decimal: primes.randomElement(using: &generator) ?? "101")
        let count = Int.random(in: 1...12, using: &generator)
        let threshold = Int.random(in: 1...count, using: &generator)
        let sharing = try ShamirSharing(modulus: prime, threshold: threshold, shareCount: count)
        let scalar = PrimeFieldElement.random(in: prime, using: &generator)
        let shares = try sharing.share(scalar, context: bytes(1, count: 32), using: &generator)
        let taken = shares.shuffled(using: &generator).prefix(.random(in: threshold...count, using: &generator))
        #expect(try sharing.reconstruct(Array(taken)) == scalar, "\(threshold) of \(count), \(prime.bits) bits")
    }
}
