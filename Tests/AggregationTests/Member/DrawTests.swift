// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Step E2 of mode `sampled` at a member (protocol section 4): commits before reveals, and no end of draws.
@Suite struct DrawTests {
    /// Sites that have committed, and their commits.
    private func committed(_ count: Int = 4) throws -> (stage: Stage, proposal: Envelope, commits: [Envelope]) {
        var stage = try Stage(count)
        stage.slots = .sampled
        stage.configuration.cohortMin = Committee.sampled(members: count, gammaPercent: 20).cohortMin
        let proposal = try stage.proposal(1, round: 1)
        let commits = try stage.commits(of: proposal)
        return (stage, proposal, commits)
    }

    @Test func aDrawInThisOrder() throws {
        var stage = try Stage(4)
        stage.slots = .sampled
        let proposal = try stage.proposal(1, round: 1)
        #expect(
            try stage.sites[0].receive(.epochProposal(proposal)).lines == [
                "disconnect peers", "wipe keys", "record members", "delete update", "take initial", "record configured",
                "record chain", "store keys", "record drawBegan", "send BeaconCommit",
            ])
        let commits = try stage.commits(of: proposal)
        #expect(
            try stage.sites[0].receive(.beaconCommits(commits)).lines == [
                "store keys", "record revealed", "send BeaconReveal",
            ])
        let reveals = try stage.reveals(for: commits)
        #expect(
            try stage.sites[0].receive(.beaconReveals(reveals)).lines == [
                "store keys", "record epochTaken", "connect peers",
            ])
        // The same again is answered with what was said before, and behind the draw with nothing.
        #expect(
            try stage.sites[1].receive(.epochProposal(proposal)).lines == ["send BeaconCommit", "send BeaconReveal"])
        #expect(try stage.sites[1].receive(.beaconCommits(commits)).lines == ["send BeaconReveal"])
        #expect(try stage.sites[0].receive(.beaconCommits(commits)).isEmpty)
        #expect(try stage.sites[0].receive(.beaconReveals(reveals)).isEmpty)
    }

    @Test func aPeerThatCameDuringTheDrawIsGreetedBehindIt() throws {
        var (stage, _, commits) = try committed()
        let reveals = try stage.reveals(for: commits)
        let (early, late) = (stage.sites[0].id, stage.sites[3].id)
        try stage.sites[0].receive(.beaconReveals(reveals))
        let said = try stage.sites[0].perform(stage.sites[0].member.peerConnected(late)).toPeers
        #expect(try stage.sites[3].perform(stage.sites[3].member.peerConnected(early)).isEmpty)
        #expect(try stage.sites[3].receive(#require(said.first).1, from: early).isEmpty)
        #expect(
            try stage.sites[3].receive(.beaconReveals(reveals)).lines == [
                "store keys", "record epochTaken", "connect peers", "send peer SlotSeed", "send peer SlotSeedAck",
            ])
    }

    @Test func whoWentDuringTheDrawIsNotGreeted() throws {
        var (stage, _, commits) = try committed()
        let reveals = try stage.reveals(for: commits)
        _ = try stage.sites[3].perform(stage.sites[3].member.peerConnected(stage.sites[0].id))
        stage.sites[3].member.peerDisconnected(stage.sites[0].id)
        #expect(
            try stage.sites[3].receive(.beaconReveals(reveals)).lines == [
                "store keys", "record epochTaken", "connect peers",
            ])
    }

    @Test func everybodyDrawsTheSameSlotsAndPeersAreThoseItNeeds() throws {
        let stage = try Stage.ready(7, slots: .sampled)
        let plan = try #require(stage.plan)
        #expect(stage.sites.allSatisfy { $0.member.plan == plan })
        #expect(plan.holders.count == 6)
        let other = try #require(plan.members.first { !plan.holders.contains($0) })
        #expect(plan.seedPeers(of: other) == plan.holders.sorted())
        #expect(plan.seedPeers(of: plan.holders[0]) == plan.members.filter { $0 != plan.holders[0] })
        for site in stage.sites {
            let keys = try #require(EpochKeys(encoded: site.keysFile ?? []))
            #expect(keys.isComplete && keys.ownKeys.count == 3)
            #expect(keys.heldKeys.count == (plan.holders.contains(site.id) ? 7 : 0))
            #expect(keys.nonce == nil && keys.commits.isEmpty)
        }
        // Primary and standby hold the same keys.
        for slot in plan.slots {
            let files = try slot.holders.map { holder in
                try #require(EpochKeys(encoded: stage.sites[stage.index(holder)].keysFile ?? []))
            }
            #expect(files[0].heldKeys.map(\.key) == files[1].heldKeys.map(\.key))
        }
    }

    @Test func nobodyShowsItsNonceBeforeItHoldsACommitOfEveryMember() throws {
        var (stage, _, commits) = try committed()
        for missing in 0..<4 {
            var some = commits
            some.remove(at: missing)
            #expect(try stage.sites[0].receive(.beaconCommits(some)).lines == ["reject"])
        }
        // One in another's place, or signed by somebody else, is none.
        var swapped = commits
        swapped.swapAt(1, 2)
        #expect(try stage.sites[0].receive(.beaconCommits(swapped)).lines == ["reject"])
        let forged = try BeaconCommit(payload: commits[1].payload)
        var others = commits
        others[1] = try Signed(signing: forged, with: stage.coordinator).envelope
        #expect(try stage.sites[0].receive(.beaconCommits(others)).lines == ["reject"])
        // A commit to another proposal is none.
        let elsewhere = BeaconCommit(proposalHash: Stage.digest(1), commit: forged.commit)
        others[1] = try Signed(signing: elsewhere, with: stage.sites[1].key).envelope
        #expect(try stage.sites[0].receive(.beaconCommits(others)).lines == ["reject"])
        // Nor are the others' shown to one whose own is exchanged.
        let own = try BeaconCommit(payload: commits[0].payload)
        var exchanged = commits
        exchanged[0] = try Signed(
            signing: BeaconCommit(proposalHash: own.proposalHash, commit: Stage.digest(2)), with: stage.sites[0].key
        ).envelope
        #expect(try stage.sites[0].receive(.beaconCommits(exchanged)).lines == ["reject"])
        #expect(stage.sites[0].ledger.draws == DrawLedger())
        #expect(try stage.sites[0].receive(.beaconCommits(commits)).lines.last == "send BeaconReveal")
    }

    @Test func revealsBeforeCommitsAreRefused() throws {
        var (stage, _, commits) = try committed()
        var other = stage
        let reveals = try other.reveals(for: commits)
        #expect(try stage.sites[0].receive(.beaconReveals(reveals)).lines == ["reject"])
        #expect(stage.sites[0].member.plan == nil)
    }

    /// A member that may still choose its commit when a nonce has been shown could choose the draw.
    @Test func afterTheRevealNoOtherCommitCountsAcrossARestartToo() throws {
        for restarts in [false, true] {
            var (stage, proposal, commits) = try committed()
            try stage.sites[0].receive(.beaconCommits(commits))
            let first = try BeaconCommit(payload: commits[3].payload)
            let second = BeaconCommit(proposalHash: first.proposalHash, commit: Stage.digest(7))
            var changed = commits
            changed[3] = try Signed(signing: second, with: stage.sites[3].key).envelope
            if restarts {
                try stage.sites[0].restart()
                #expect(
                    try stage.sites[0].receive(.epochProposal(proposal)).lines
                        == ["send BeaconCommit", "send BeaconReveal"])
            }
            let actions = try stage.sites[0].receive(.beaconCommits(changed))
            #expect(actions.lines == ["reject"])
            #expect(
                actions.rejections == [
                    .conflictingStatements(of: stage.sites[3].id.hex, first: commits[3], second: changed[3])
                ])
        }
    }

    @Test func aNonceThatIsNotTheOneCommittedToIsShownWithBothStatements() throws {
        var (stage, _, commits) = try committed()
        var reveals = try stage.reveals(for: commits)
        let hash = try BeaconReveal(payload: reveals[2].payload).proposalHash
        reveals[2] = try Signed(
            signing: BeaconReveal(proposalHash: hash, nonce: Stage.digest(9)), with: stage.sites[2].key
        ).envelope
        let actions = try stage.sites[0].receive(.beaconReveals(reveals))
        #expect(
            actions.rejections == [
                .conflictingStatements(of: stage.sites[2].id.hex, first: commits[2], second: reveals[2])
            ])
        #expect(stage.sites[0].member.plan == nil)
    }

    @Test func theNonceIsTheSameAfterARestart() throws {
        var (stage, proposal, commits) = try committed()
        try stage.sites[0].restart()
        for case .beaconCommit(let again) in try stage.sites[0].receive(.epochProposal(proposal)).sent {
            #expect(again.payload == commits[0].payload)
        }
        try stage.draw(commits)
        #expect(stage.sites[0].member.plan == stage.sites[1].member.plan)
        // Keys that are lost are not drawn a second time for the same proposal.
        stage.sites[0].keysFile = nil
        try stage.sites[0].restart()
        #expect(try stage.sites[0].receive(.epochProposal(proposal)).refusals.map(\.line) == [.keysLost])
    }

    /// A member that signed two commits cannot have two halves of the members draw two epochs into one.
    @Test func membersThatWereShownOtherRevealsDoNotExchangeKeys() throws {
        var (stage, _, commits) = try committed()
        var second = stage.sites[1]
        let hash = try BeaconCommit(payload: commits[3].payload).proposalHash
        let (liar, nonce) = (stage.sites[3], Stage.digest(5))
        let other = SlotBeacon.commit(proposalHash: hash, party: liar.id, nonce: nonce)
        var reveals = try stage.reveals(for: commits)
        try stage.sites[0].receive(.beaconReveals(reveals))
        commits[3] = try Signed(signing: BeaconCommit(proposalHash: hash, commit: other), with: liar.key).envelope
        reveals[3] = try Signed(signing: BeaconReveal(proposalHash: hash, nonce: nonce), with: liar.key).envelope
        try second.receive(.beaconCommits(commits))
        try second.receive(.beaconReveals(reveals))
        let (one, two) = (try #require(stage.sites[0].member.plan), try #require(second.member.plan))
        #expect(one.proposalHash == two.proposalHash && one.epochHash != two.epochHash)
        let seed = SlotSeed(
            statement: try Signed(
                signing: SlotSeedStatement(epochHash: two.epochHash, slot: 0, seedHash: Stage.digest(1)),
                with: second.key
            ).envelope, seed: SecretBytes([UInt8](repeating: 1, count: 32)))
        #expect(try stage.sites[0].receive(.slotSeed(seed), from: second.id).lines == ["send peer SlotReject"])
    }

    // MARK: Limits

    private func proposeAndDraw(_ stage: inout Stage, _ epoch: UInt64) throws {
        try stage.draw(stage.commits(of: stage.proposal(epoch, round: epoch)))
    }

    private func refusal(_ stage: inout Stage, _ epoch: UInt64) throws -> EpochRefusal? {
        var site = stage.sites[0]
        return try site.receive(.epochProposal(stage.proposal(epoch, round: epoch))).refusals.first
    }

    @Test func thirtyTwoDrawsWithoutAResultAreEnoughForADay() throws {
        var stage = try Stage(4)
        stage.slots = .sampled
        for epoch in 1...32 {
            stage.sites[0].member.unixSeconds = Int64(1000 + epoch)
            try proposeAndDraw(&stage, UInt64(epoch))
        }
        stage.sites[0].member.unixSeconds = 86_400 + 1000
        #expect(try refusal(&stage, 33)?.line == .drawLimit)
        #expect(try refusal(&stage, 33)?.detail.contains("32 times in 24 hours") == true)
        // A mode without a draw is another matter.
        var all = stage
        all.slots = .all
        #expect(try refusal(&all, 33) == nil)
        // Across a restart too, and with a clock that was put back.
        try stage.sites[0].restart()
        stage.sites[0].member.unixSeconds = 0
        #expect(try refusal(&stage, 33)?.line == .drawLimit)
        stage.sites[0].member.unixSeconds = 86_400 + 1001
        #expect(try refusal(&stage, 33) == nil)
    }

    @Test func aDrawWhoseEpochAppliedAResultIsNotCounted() throws {
        var stage = try Stage.ready(4, slots: .sampled)
        #expect(stage.sites[0].ledger.draws.today(unixSeconds: 0) == 1)
        try stage.runRound(1)
        #expect(stage.sites[0].ledger.draws.today(unixSeconds: 0) == 0)
        // A second result does not take another draw off.
        stage.sites[0].facts.append(.revealed(proposalHash: .zero, unixSeconds: 0, renewals: 0))
        try stage.enterEpoch(2, round: 2)
        #expect(stage.sites[0].ledger.draws.today(unixSeconds: 0) == 1)
        try stage.sites[0].restart()
        #expect(stage.sites[0].ledger.draws.today(unixSeconds: 0) == 2)
    }

    @Test func theLimitOfARecordEndsWithItsConfirmation() {
        var ledger = DrawLedger()
        for day in 0..<1024 { ledger.add(unixSeconds: Int64(day) * 86_400, renewals: 0) }
        let later: Int64 = 5000 * 86_400
        #expect(ledger.refusal(unixSeconds: later, renewals: 0)?.contains("members confirm") == true)
        #expect(ledger.refusal(unixSeconds: later, renewals: 1) == nil)
        ledger.add(unixSeconds: later, renewals: 1)
        #expect(ledger.since(renewals: 1) == 1 && ledger.since(renewals: 0) == 1025)
        ledger.forgive()
        ledger.forgive()
        #expect(ledger.since(renewals: 0) == 1024)
    }
}
