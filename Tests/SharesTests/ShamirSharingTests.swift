// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@testable import Shares

/// Draws given words, then traps: what is drawn must be what is expected.
private struct ListGenerator: RandomNumberGenerator {
    var words: [UInt64]

    mutating func next() -> UInt64 { words.removeFirst() }
}

@Suite struct ShamirSharingTests {
    private let context = bytes(1, count: 32)

    static let primes = [
        "2", "3", "5", "101", "18446744069414584321", "2305843009213693951", "170141183460469231731687303715884105727",
        "57896044618658097711785492504343953926634992332820282019728792003956564819949",
    ]

    /// Every threshold subset, in every field with enough points, and the secrets at the ends of the field.
    @Test(arguments: primes, [(1, 1), (1, 3), (2, 2), (2, 4), (3, 5), (4, 4)])
    func anyThresholdSubsetGivesTheSecret(prime: String, size: (threshold: Int, count: Int)) throws {
        let field = try PrimeModulus(decimal: prime)
        guard field.limbs.count > 1 || field.limbs[0] > UInt64(size.count) else {
            #expect(
                throws: ShareError.tooManyShares(size.count, shareCountMax: Int(field.limbs[0]) - 1)
            ) { try ShamirSharing(modulus: field, threshold: size.threshold, shareCount: size.count) }
            return
        }
        let sharing = try ShamirSharing(modulus: field, threshold: size.threshold, shareCount: size.count)
        var generator = TestGenerator(seed: 1)
        let secrets = [
            .zero(in: field), .one(in: field), PrimeFieldElement(-1, in: field), .random(in: field, using: &generator),
        ]
        for secret in secrets {
            let shares = try sharing.share(secret, context: context, using: &generator)
            #expect(shares.map(\.index.value) == (1...UInt32(size.count)).map { $0 })
            for subset in 0..<(1 << size.count) where subset.nonzeroBitCount >= size.threshold {
                let chosen = shares.enumerated().filter { subset >> $0.offset & 1 == 1 }.map(\.element)
                #expect(try sharing.reconstruct(chosen) == secret)
                #expect(try sharing.reconstruct(chosen.reversed()) == secret)
            }
        }
    }

    /// f(x) = 1234 + 166x + 94x² over GF(1613), a textbook example with its shares.
    @Test func sharesAreTheValuesOfThePolynomial() throws {
        let field = try PrimeModulus(decimal: "1613")
        let sharing = try ShamirSharing(modulus: field, threshold: 3, shareCount: 6)
        // An element of 11 bits is drawn as the top bits of a word's lowest limb; 94 first, as the highest power comes first.
        var generator = ListGenerator(words: [94 << 53, 166 << 53])
        let shares = try sharing.share(PrimeFieldElement(1234, in: field), context: context, using: &generator)
        #expect(shares.map(\.value.limbs) == [[1494], [329], [965], [176], [1188], [775]])
        #expect(generator.words.isEmpty)
    }

    private func sharing(_ threshold: Int = 3, of count: Int = 5, modulo prime: String = "101") throws -> ShamirSharing
    {
        try ShamirSharing(modulus: PrimeModulus(decimal: prime), threshold: threshold, shareCount: count)
    }

    private func shares(_ sharing: ShamirSharing, round: Int = 1) throws -> [ShamirShare] {
        var generator = TestGenerator(seed: 7)
        return try sharing.share(
            PrimeFieldElement(42, in: sharing.modulus), context: bytes(round, count: 32), using: &generator)
    }

    @Test func tooFewOrRepeatedSharesAreRefused() throws {
        let sharing = try sharing()
        let shares = try shares(sharing)
        #expect(throws: ShareError.noShares) { try sharing.reconstruct([]) }
        #expect(throws: ShareError.tooFewShares(expected: 3, actual: 2)) {
            try sharing.reconstruct(Array(shares[1...2]))
        }
        #expect(throws: ShareError.duplicateShare(shares[2].index)) {
            try sharing.reconstruct([shares[2], shares[0], shares[2]])
        }
    }

    @Test func oneWrongShareAmongMoreThanTheThresholdIsFound() throws {
        let sharing = try sharing()
        let shares = try shares(sharing)
        for place in shares.indices {
            var tampered = shares
            tampered[place] = try ShamirShare(
                context: context, index: shares[place].index, threshold: 3,
                value: shares[place].value + .one(in: sharing.modulus))
            let report = #expect(throws: ShareError.self) { try sharing.reconstruct(tampered) }
            guard case .inconsistentShare(let index) = report else {
                Issue.record("\(String(describing: report))")
                continue
            }
            // The first three are taken for right: whichever is wrong, a later one contradicts them.
            #expect(index.value == UInt32(max(place + 1, 4)))
            tampered.remove(at: place)
            #expect(try sharing.reconstruct(tampered) == PrimeFieldElement(42, in: sharing.modulus))
        }
    }

    @Test func sharesOfOtherSharingsAreRefused() throws {
        let sharing = try sharing()
        let shares = try shares(sharing)
        let good = Array(shares.prefix(2))
        #expect(throws: ShareError.contextMismatch(expected: context, actual: bytes(2, count: 32))) {
            try sharing.reconstruct(good + [self.shares(sharing, round: 2)[2]])
        }
        let other = try self.sharing(modulo: "103")
        #expect(throws: ShareError.modulusMismatch(expected: sharing.modulus, actual: other.modulus)) {
            try sharing.reconstruct(good + [self.shares(other)[2]])
        }
        #expect(throws: ShareError.thresholdMismatch(expected: 3, actual: 2)) {
            try sharing.reconstruct(good + [self.shares(self.sharing(2))[2]])
        }
        let larger = try self.sharing(of: 6)
        #expect(throws: ShareError.indexOutOfRange(ShareIndex(place: 5), shareCount: 5)) {
            try sharing.reconstruct(good + [self.shares(larger)[5]])
        }
        var generator = TestGenerator(seed: 1)
        #expect(throws: ShareError.modulusMismatch(expected: sharing.modulus, actual: other.modulus)) {
            try sharing.share(.one(in: other.modulus), context: context, using: &generator)
        }
        #expect(throws: ShareError.wrongLength(of: .context, expected: 32, actual: 5)) {
            try sharing.share(.one(in: sharing.modulus), context: bytes(1, count: 5), using: &generator)
        }
    }

    @Test func sharingsThatCannotBeAreRefused() throws {
        #expect(throws: ShareError.thresholdOutOfRange(0, shareCount: 5)) { try sharing(0) }
        #expect(throws: ShareError.thresholdOutOfRange(6, shareCount: 5)) { try sharing(6) }
        #expect(throws: ShareError.thresholdOutOfRange(1, shareCount: 0)) { try sharing(1, of: 0) }
        #expect(throws: ShareError.tooManyShares(101, shareCountMax: 100)) { try sharing(2, of: 101) }
        #expect(throws: ShareError.tooManyShares(65_537, shareCountMax: 65_536)) {
            try sharing(2, of: 65_537, modulo: ShamirSharingTests.primes[5])
        }
        #expect(ShareIndex(0) == nil)
    }

    @Test func descriptionsShowNoValue() throws {
        let share = try shares(sharing())[1]
        #expect("\(share)" == "ShamirShare(2, threshold 3)")
        #expect(Mirror(reflecting: share).children.isEmpty)
        #expect(!"\(ShareError.inconsistentShare(share.index))".isEmpty)
    }
}
