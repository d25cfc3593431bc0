// SPDX-License-Identifier: MIT

import Foundation
import Messages
import Primitives
import Testing

@testable import Aggregation

/// "One base, one set" as a table of situations (protocol section 5, rules (a) to (c)).
@Suite struct MemberLedgerTests {
    private static let first = SHA256.hash([1])
    private static let second = SHA256.hash([2])
    private static let third = SHA256.hash([3])
    private static let base = SHA256.hash([10])
    private static let otherBase = SHA256.hash([11])
    private static let set = SHA256.hash([20])
    private static let otherSet = SHA256.hash([21])

    private static func upload(_ epoch: Digest, _ base: Digest = base, ctx: UInt8 = 30) -> MemberFact {
        .uploaded(epochHash: epoch, base: base, ctx: SHA256.hash([ctx]), leaf: SHA256.hash([ctx, 1]))
    }

    private static func chain(_ paramsHash: Digest, run: UInt8 = 1) -> ModelChain {
        ModelChain(run: [UInt8](repeating: run, count: 16), paramsHash: paramsHash, scale: .exact)
    }

    struct Situation: Sendable, CustomStringConvertible {
        let description: String
        let facts: [MemberFact]
        let epoch: Digest
        let expected: UploadPermission
    }

    static let situations: [Situation] = [
        Situation(description: "nothing yet", facts: [], epoch: first, expected: .newUpdate),
        Situation(
            description: "an update is kept and was never uploaded", facts: [.updateKept(base: base)], epoch: first,
            expected: .keptUpdate(closing: [])),
        Situation(
            description: "an update for another base is kept", facts: [.updateKept(base: otherBase)], epoch: first,
            expected: .newUpdate),
        Situation(
            description: "uploaded, and the same epoch opens another round",
            facts: [.updateKept(base: base), upload(first)], epoch: first, expected: .keptUpdate(closing: [])),
        Situation(
            description: "uploaded and answered in the same epoch",
            facts: [
                .updateKept(base: base), upload(first),
                .locked(epochHash: first, base: base, ctx: Self.set, survivorsHash: set),
                .answered(epochHash: first, base: base),
            ], epoch: first, expected: .keptUpdate(closing: [])),
        Situation(
            description: "uploaded, the update is lost", facts: [upload(first)], epoch: first,
            expected: .silent(.spentBase)),
        Situation(
            description: "uploaded, another update took its place",
            facts: [.updateKept(base: base), upload(first), .updateKept(base: otherBase)], epoch: first,
            expected: .silent(.spentBase)),
        Situation(
            description: "a later epoch closes the earlier", facts: [.updateKept(base: base), upload(first)],
            epoch: second, expected: .keptUpdate(closing: [first])),
        Situation(
            description: "a vote in the earlier epoch does not bar it, for nothing was answered",
            facts: [
                .updateKept(base: base), upload(first),
                .locked(epochHash: first, base: base, ctx: Self.set, survivorsHash: set),
            ], epoch: second, expected: .keptUpdate(closing: [first])),
        Situation(
            description: "an answer in the earlier epoch bars it",
            facts: [.updateKept(base: base), upload(first), .answered(epochHash: first, base: base)], epoch: second,
            expected: .silent(.answeredUnderThisBase)),
        Situation(
            description: "an answer two epochs ago bars it",
            facts: [
                .updateKept(base: base), upload(first), .answered(epochHash: first, base: base), upload(second),
            ], epoch: third, expected: .silent(.answeredUnderThisBase)),
        Situation(
            description: "an answer in an epoch where it did not upload does not bar it",
            facts: [.updateKept(base: base), upload(first), .answered(epochHash: second, base: base)], epoch: third,
            expected: .keptUpdate(closing: [first])),
        Situation(
            description: "an answer under another base does not bar it",
            facts: [.updateKept(base: base), upload(first), .answered(epochHash: first, base: otherBase)],
            epoch: second, expected: .keptUpdate(closing: [first])),
        Situation(
            description: "the earlier epoch is closed already",
            facts: [.updateKept(base: base), upload(first), .closed(epochHash: first, base: base)], epoch: second,
            expected: .keptUpdate(closing: [])),
        Situation(
            description: "two earlier epochs, one closed",
            facts: [
                .updateKept(base: base), upload(first), .closed(epochHash: first, base: base), upload(second),
            ], epoch: third, expected: .keptUpdate(closing: [second])),
        Situation(
            description: "two earlier epochs, both open, in a fixed order",
            facts: [.updateKept(base: base), upload(second), upload(first)], epoch: third,
            expected: .keptUpdate(closing: [first, second].sorted())),
        Situation(
            description: "the base moved on and came back",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), upload(first), .applied(chain(otherBase)),
                .applied(chain(base)),
            ], epoch: first, expected: .silent(.spentBase)),
        Situation(
            description: "another run begins at the same parameters",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), upload(first),
                .chain(chain(base, run: 2), own: true),
            ], epoch: second, expected: .silent(.spentBase)),
        Situation(
            description: "another run begins where nothing was uploaded; the kept update is not its own",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), .chain(chain(base, run: 2), own: true),
            ], epoch: second, expected: .newUpdate),
        Situation(
            description: "a handover moves the base too",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), upload(first),
                .chain(chain(otherBase), own: false), .chain(chain(base), own: false),
            ], epoch: second, expected: .silent(.spentBase)),
        Situation(
            description: "a skip leaves the base as it is",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), upload(first), .skipped(chain(base)),
            ], epoch: first, expected: .keptUpdate(closing: [])),
        Situation(
            description: "a round that changed nothing leaves the base as it is",
            facts: [
                .chain(chain(base), own: true), .updateKept(base: base), upload(first), .applied(chain(base)),
            ], epoch: first, expected: .keptUpdate(closing: [])),
    ]

    @Test(arguments: situations) func whatMayBeUploaded(situation: Situation) throws {
        let ledger = MemberLedger(situation.facts)
        #expect(ledger.uploadPermission(epochHash: situation.epoch, base: Self.base) == situation.expected)
        let again = MemberLedger(try recoded(situation.facts))
        #expect(again.uploadPermission(epochHash: situation.epoch, base: Self.base) == situation.expected)
    }

    @Test func theFirstSetUnderABaseIsTheOnlyOne() {
        var ledger = MemberLedger()
        func may(_ epoch: Digest, _ base: Digest, _ set: Digest) -> Bool {
            ledger.mayVote(epochHash: epoch, base: base, survivorsHash: set)
        }
        #expect(may(Self.first, Self.base, Self.set) && may(Self.first, Self.base, Self.otherSet))
        ledger.record(.locked(epochHash: Self.first, base: Self.base, ctx: Self.set, survivorsHash: Self.set))
        #expect(ledger.lock(epochHash: Self.first, base: Self.base) == Self.set)
        #expect(may(Self.first, Self.base, Self.set))
        #expect(!may(Self.first, Self.base, Self.otherSet))
        // Another base and another epoch have locks of their own.
        #expect(may(Self.first, Self.otherBase, Self.otherSet))
        #expect(may(Self.second, Self.base, Self.otherSet))
        ledger.record(.answered(epochHash: Self.first, base: Self.base))
        #expect(may(Self.first, Self.base, Self.set) && !may(Self.first, Self.base, Self.otherSet))
        ledger.record(.applied(Self.chain(Self.otherBase)))
        #expect(!may(Self.first, Self.base, Self.otherSet), "the lock stays when the base has moved")
    }

    @Test func closedNeverVotes() {
        var ledger = MemberLedger()
        ledger.record(.closed(epochHash: Self.first, base: Self.base))
        #expect(!ledger.mayVote(epochHash: Self.first, base: Self.base, survivorsHash: Self.set))
        #expect(ledger.mayVote(epochHash: Self.first, base: Self.otherBase, survivorsHash: Self.set))
        #expect(ledger.mayVote(epochHash: Self.second, base: Self.base, survivorsHash: Self.set))
        // A lock that was taken before does not open it again.
        var voted = MemberLedger([
            .locked(epochHash: Self.first, base: Self.base, ctx: Self.set, survivorsHash: Self.set)
        ])
        voted.record(.closed(epochHash: Self.first, base: Self.base))
        #expect(!voted.mayVote(epochHash: Self.first, base: Self.base, survivorsHash: Self.set))
    }

    @Test func numbersOfEpochsAndRounds() {
        func taken(_ epoch: UInt64, _ hash: Digest, _ count: Int) -> MemberFact {
            .epochTaken(
                epoch: epoch, epochHash: hash, proposalHash: hash, mode: .all, memberCount: count, slotCount: count,
                quorum: count, corruptMax: 0, firstRound: 1)
        }
        var ledger = MemberLedger([taken(3, Self.first, 5), .epochReady(epochHash: Self.first, othersOwning: 4)])
        #expect(ledger.largestEpoch == 3 && ledger.largestMemberCount == 5)
        #expect(ledger.epochHash == Self.first && ledger.epochIsReady && ledger.othersOwning == 4)
        ledger.record(taken(4, Self.second, 3))
        #expect(ledger.largestEpoch == 4 && ledger.largestMemberCount == 5)
        #expect(ledger.epochHash == Self.second && !ledger.epochIsReady)
        #expect(ledger.lastRound == nil)
        ledger.record(.entered(round: 7, ctx: Self.third))
        #expect(ledger.lastRound?.round == 7 && ledger.lastRound?.ctx == Self.third)
    }

    @Test func theLeafIsRememberedForItsRound() {
        let ledger = MemberLedger([Self.upload(Self.first, ctx: 30), Self.upload(Self.first, ctx: 31)])
        #expect(ledger.leaf(ofUploadIn: SHA256.hash([31])) == SHA256.hash([31, 1]))
        #expect(ledger.leaf(ofUploadIn: SHA256.hash([32])) == nil)
    }

    @Test func theModelIsOwnOnceAResultWasApplied() {
        var ledger = MemberLedger([.chain(Self.chain(Self.base), own: false)])
        #expect(!ledger.ownsChain)
        ledger.record(.skipped(Self.chain(Self.base)))
        #expect(!ledger.ownsChain)
        ledger.record(.applied(Self.chain(Self.otherBase)))
        #expect(ledger.ownsChain)
    }

    private func recoded(_ facts: [MemberFact]) throws -> [MemberFact] {
        try JSONDecoder().decode([MemberFact].self, from: JSONEncoder().encode(facts))
    }

    @Test func everyFactComesBackFromJSON() throws {
        var chain = Self.chain(Self.base)
        chain.skip(ctx: Self.first, reason: .deadline)
        let facts: [MemberFact] = [
            .drawBegan(epoch: .max, proposalHash: Self.second, memberCount: 6),
            .revealed(proposalHash: Self.second, unixSeconds: -1, renewals: 3),
            .epochTaken(
                epoch: .max, epochHash: Self.first, proposalHash: Self.second, mode: .sampled, memberCount: 5,
                slotCount: 2, quorum: 5, corruptMax: 1, firstRound: 1 << 40),
            .epochReady(epochHash: Self.first, othersOwning: 4), .entered(round: .max, ctx: Self.second),
            .updateKept(base: Self.base), Self.upload(Self.first),
            .locked(epochHash: Self.first, base: Self.base, ctx: Self.set, survivorsHash: Self.set),
            .answered(epochHash: Self.first, base: Self.base), .closed(epochHash: Self.first, base: Self.base),
            .chain(chain, own: false), .applied(chain), .skipped(chain),
        ]
        #expect(try recoded(facts) == facts)
    }

    @Test func aWholeRunsFactsRebuildTheSameLedger() throws {
        var stage = try Stage.ready(3, rounds: 2)
        try stage.runRound(1)
        let second = try stage.openRound(2)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], second)))
        let ledger = stage.sites[0].ledger
        let rebuilt = MemberLedger(try recoded(stage.sites[0].facts))
        #expect(rebuilt.chain == ledger.chain && rebuilt.ownsChain == ledger.ownsChain)
        #expect(rebuilt.epochHash == ledger.epochHash && rebuilt.epochIsReady == ledger.epochIsReady)
        #expect(rebuilt.lastRound?.ctx == ledger.lastRound?.ctx)
        #expect(rebuilt.keptUpdateBase == second.base && ledger.keptUpdateBase == second.base)
        #expect(rebuilt.leaf(ofUploadIn: second.ctx) == ledger.leaf(ofUploadIn: second.ctx))
        #expect(
            rebuilt.lock(epochHash: second.epochHash, base: second.base)
                == SurvivorSet([0, 1, 2], of: 3).hash(epochHash: second.epochHash))
    }
}
