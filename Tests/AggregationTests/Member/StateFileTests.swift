// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// The files of a member's secrets: what is torn or damaged is not read, and nothing traps.
@Suite struct StateFileTests {
    private let update = KeptUpdate(
        base: SHA256.hash([1]), delta: [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude], samples: 7, lossSum: -0.25,
        correct: 3, tested: 9, seed: SecretBytes([UInt8](0..<32)))

    @Test func updatesComeBackBitForBit() throws {
        let bytes = update.encoded()
        let read = try #require(KeptUpdate(encoded: bytes))
        #expect(read == update)
        #expect(read.delta.map(\.bitPattern) == update.delta.map(\.bitPattern))
        #expect(read.encoded() == bytes)
        let empty = KeptUpdate(
            base: .zero, delta: [], samples: 0, lossSum: .nan, correct: 0, tested: 0, seed: SecretBytes(randomCount: 32)
        )
        let nothing = try #require(KeptUpdate(encoded: empty.encoded()))
        #expect(nothing.delta.isEmpty && nothing.lossSum.isNaN && nothing.seed == empty.seed)
    }

    @Test func tornUpdatesAreNotRead() {
        let bytes = update.encoded()
        for count in 0..<bytes.count { #expect(KeptUpdate(encoded: Array(bytes.prefix(count))) == nil) }
        #expect(KeptUpdate(encoded: bytes + [0]) == nil)
        #expect(KeptUpdate(encoded: bytes + [0, 0, 0, 0]) == nil)
    }

    @Test func updatesWithAbsurdCountsAreNotRead() {
        let bytes = update.encoded()
        let place = bytes.count - 4 * update.delta.count - 8
        for byte: UInt8 in [0x10, 0x20, 0x40, 0x7f, 0x80, 0xff] {
            var damaged = bytes
            damaged[place + 7] = byte
            #expect(KeptUpdate(encoded: damaged) == nil)
        }
        var damaged = bytes
        for index in place..<place + 8 { damaged[index] = 0xff }
        #expect(KeptUpdate(encoded: damaged) == nil)
    }

    @Test func theBlindIsOfItsRoundAndSecret() {
        let first = update.blind(ctx: SHA256.hash([1]))
        #expect(first.count == 2)
        #expect(update.blind(ctx: SHA256.hash([1])) == first)
        #expect(update.blind(ctx: SHA256.hash([2])) != first)
        let other = KeptUpdate(
            base: update.base, delta: update.delta, samples: 7, lossSum: -0.25, correct: 3, tested: 9,
            seed: SecretBytes([UInt8](1..<33)))
        #expect(other.blind(ctx: SHA256.hash([1])) != first)
    }

    /// The keys of an epoch before and after the exchange.
    private func keys() throws -> [(site: ScriptedSite, file: [UInt8])] {
        var stage = try Stage(3)
        let envelope = try stage.proposal(1, round: 1)
        for index in stage.sites.indices { try stage.sites[index].receive(.epochProposal(envelope)) }
        let before = stage.sites[0]
        _ = try stage.exchange()
        return try [before, stage.sites[0]].map { ($0, try #require($0.keysFile)) }
    }

    @Test func keysComeBack() throws {
        for (_, file) in try keys() {
            let read = try #require(EpochKeys(encoded: file))
            #expect(read.encoded() == file)
        }
        let complete = try #require(EpochKeys(encoded: keys()[1].file))
        #expect(complete.isComplete && complete.seeds.isEmpty && complete.round == 1)
        #expect(complete.statements.map { $0 == nil } == [true, false, false])
        let fresh = try #require(EpochKeys(encoded: keys()[0].file))
        #expect(!fresh.isComplete && fresh.seeds.count == 3 && fresh.checkKey == nil && fresh.round == nil)
        #expect(fresh.seedHashes == fresh.seeds.map(slotSeedHash))
    }

    @Test func tornKeysAreNotRead() throws {
        for (_, file) in try keys() {
            for count in 0..<file.count { #expect(EpochKeys(encoded: Array(file.prefix(count))) == nil) }
            #expect(EpochKeys(encoded: file + [0]) == nil)
        }
    }

    @Test func damagedKeysNeverTrapTheMemberThatReadsThem() throws {
        for (site, file) in try keys() {
            for place in file.indices {
                var damaged = file
                damaged[place] ^= 1 << (place % 8)
                var site = site
                site.keysFile = damaged
                try site.restart()
                _ = try site.perform(site.member.peerConnected(Samples.peer))
            }
        }
    }

    @Test func keysThatDoNotFitTogetherAreNotRead() throws {
        let (site, file) = try keys()[1]
        let good = try #require(EpochKeys(encoded: file))
        let fresh = try #require(EpochKeys(encoded: keys()[0].file))
        var missing = good
        missing.checkKey = nil
        #expect(EpochKeys(encoded: missing.encoded()) == nil)
        var short = good
        short.heldKeys.removeLast()
        #expect(EpochKeys(encoded: short.encoded()) == nil)
        var unfinished = fresh
        unfinished.seeds.removeLast()
        #expect(EpochKeys(encoded: unfinished.encoded()) == nil)
        var both = fresh
        both.isComplete = true
        #expect(EpochKeys(encoded: both.encoded()) == nil)
        #expect(EpochKeys(encoded: good.encoded())?.encoded() == site.keysFile)
    }

    @Test func theChainGoesForwardWithTheKeys() throws {
        var keys = try #require(EpochKeys(encoded: keys()[1].file))
        let own = keys.ownKeys[1]
        keys.advance(to: 4)
        #expect(keys.round == 4)
        var expected = own
        expected.advance(to: 4)
        #expect(keys.ownKeys[1].key == expected.key && keys.ownKeys[1].key != own.key)
        #expect(keys.heldKeys.allSatisfy { $0.round == 4 })
        let read = try #require(EpochKeys(encoded: keys.encoded()))
        #expect(read.round == 4 && read.ownKeys[1].key == expected.key)
    }

    private enum Samples {
        static let peer = PartyID(bytes: [UInt8](repeating: 0, count: 16))!
    }
}
