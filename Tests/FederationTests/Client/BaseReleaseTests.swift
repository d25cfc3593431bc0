// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Messages
import Primitives
import Testing

@testable import SMPCClient

/// What `smpc-client base release` finds in a site's record, and what it may lift.
struct BaseReleaseTests {
    private let epochHash = SHA256.hash([1])

    /// A store whose site stands at some parameters, with the base of its next round; removed when the body ends.
    private func inStore(_ body: (SiteStore, Digest) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "release-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: url.appending(path: "keys"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        let store = try SiteStore(creating: SiteDirectory(url.path))
        let chain = ModelChain(run: [UInt8](repeating: 1, count: 16), paramsHash: SHA256.hash([2]), scale: .exact)
        try store.append(.chain(chain, own: true))
        try body(store, RoundContext.base(kind: .training, paramsHash: chain.paramsHash))
    }

    /// The site uploads in an epoch of five, with standbys or without.
    private func upload(_ store: SiteStore, _ base: Digest, _ mode: SlotMode) throws {
        try store.keep(
            KeptUpdate(
                base: base, delta: [1], samples: 1, lossSum: 0, correct: 0, tested: 0,
                seed: SecretBytes([UInt8](repeating: 3, count: 32))))
        try store.append(
            .epochTaken(
                epoch: 1, epochHash: epochHash, proposalHash: .zero, mode: mode, memberCount: 5, slotCount: 2,
                quorum: 4, corruptMax: 1, firstRound: 1))
        try store.append(.updateKept(base: base))
        try store.append(.uploaded(epochHash: epochHash, base: base, ctx: .zero, leaf: .zero))
    }

    @Test func whereNothingWasUploadedNothingIsReleased() throws {
        try inStore { store, base in
            let standing = try BaseStanding(store)
            #expect(!standing.silent && !standing.mayBeReleased && !standing.released)
            #expect(standing.base == base.hex && standing.text.hasPrefix("nothing to release"))
        }
    }

    @Test func aSumThatMayBeOpenedElsewhereIsTheEngineersToJudge() throws {
        try inStore { store, base in
            try upload(store, base, .sampled)
            let standing = try BaseStanding(store)
            #expect(standing.silent && standing.mayBeReleased && !standing.released)
            #expect(standing.digest == base)
            #expect(standing.text.contains("too few sites say that they have not voted"))
            try store.set(.releasedBase, to: base.bytes)
            let released = try BaseStanding(store)
            #expect(!released.silent && released.released && released.text.hasPrefix("released"))
            // A running client makes a fact of it.
            try store.append(.released(base: base))
            #expect(try BaseStanding(store).released)
            #expect(try store.ledger().releasedBase == base)
        }
    }

    @Test func whoHasAnsweredMayDecideTooAndWhoHasNotNeedNot() throws {
        try inStore { store, base in
            try upload(store, base, .all)
            #expect(try !BaseStanding(store).silent, "it closes the epoch by itself")
            try store.append(.answered(epochHash: epochHash, base: base))
            let standing = try BaseStanding(store)
            #expect(standing.silent && standing.mayBeReleased)
        }
    }

    @Test func withoutTheKeptUpdateThereIsNothingToSend() throws {
        try inStore { store, base in
            try upload(store, base, .sampled)
            try store.deleteUpdate()
            let standing = try BaseStanding(store)
            #expect(standing.silent && !standing.mayBeReleased)
        }
    }

    @Test func theReleaseOfAnEarlierBaseSaysNothingOfThisOne() throws {
        try inStore { store, base in
            try upload(store, base, .sampled)
            try store.set(.releasedBase, to: SHA256.hash([7]).bytes)
            let standing = try BaseStanding(store)
            #expect(standing.silent && !standing.released)
        }
    }
}
