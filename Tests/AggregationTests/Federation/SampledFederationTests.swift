// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Epochs with standbys: the real machines against each other, with real signatures and masks.
@Suite struct SampledFederationTests {
    @Test(arguments: [4, 5, 6, 10])
    func everybodyEndsWithTheSameModel(count: Int) throws {
        let federation = try MemoryFederation(sites: count, slots: .sampled)
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try MemoryFederationTests().expectAgreement(federation, rounds: 2)
        #expect(federation.rejections.isEmpty, "\(federation.rejections)")
        let plan = try #require(federation.coordinator?.epoch)
        #expect(plan.proposal.mode == .sampled)
        #expect(plan.slots.count == (count < 6 ? 2 : 3))
        #expect(Set(plan.holders).count == 2 * plan.slots.count)
    }

    /// A federation whose sites' policies and coordinator name the same two slots.
    private func pinned(_ count: Int, rounds: Int = 2, roundsPerEpoch: Int = 100) throws -> MemoryFederation {
        let federation = try MemoryFederation(sites: count, rounds: rounds, roundsPerEpoch: roundsPerEpoch)
        let ids = try (0..<4).map { try #require(federation.names["site-\($0)"]) }
        let slots = [(0, 1), (2, 3)].map { PinnedSlot(primary: ids[$0.0], standby: ids[$0.1]) }
        for site in federation.sites.values {
            site.policy.pinnedSlots = slots
            try site.start()
        }
        federation.settings.slots = .pinned(slots.map { .init(primary: $0.primary, standby: $0.standby) })
        try federation.startCoordinator()
        return federation
    }

    @Test func allPinnedAndSampledSlotsGiveTheSameModel() throws {
        let federations = [
            try MemoryFederation(sites: 5, rounds: 3), try pinned(5, rounds: 3),
            try MemoryFederation(sites: 5, rounds: 3, slots: .sampled),
        ]
        let hashes = try federations.map { federation in
            try federation.connectAll()
            try federation.run()
            #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
            return try #require(federation.coordinator?.chain.paramsHash)
        }
        #expect(Set(hashes).count == 1)
        #expect(federations.map { $0.coordinator?.epoch?.proposal.mode } == [.all, .pinned, .sampled])
        #expect(federations.map { $0.coordinator?.epoch?.slots.count } == [5, 2, 2])
    }

    @Test func pinnedSlotsThatAreNotThoseOfASitesPolicyAreRefusedByThatSite() throws {
        let federation = try pinned(5)
        let other = try #require(federation.names["site-4"].flatMap { federation.sites[$0] })
        other.policy.pinnedSlots?.reverse()
        try other.start()
        try federation.connectAll()
        try federation.run()
        let refused = federation.reports.contains {
            if case .proposalRefused(other.id, .policy, let detail) = $0 {
                detail.contains("pinned_slots")
            } else {
                false
            }
        }
        #expect(refused)
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any)")
        #expect(federation.coordinator?.epoch?.members.count == 4)
    }

    /// Pinned slots leave no epoch without their holders: one that is used up has no successor while one of them is away.
    @Test(arguments: [false, true]) func aPinnedEpochThatIsUsedUpWaitsForItsHolders(returns: Bool) throws {
        let federation = try pinned(5, rounds: 2, roundsPerEpoch: 1)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 1 })
        try federation.kill("site-1")
        let died = federation.now
        try federation.run(until: { federation.coordinator?.phaseName == "waiting for members" })
        if returns { try federation.restart("site-1") }
        try federation.run()
        guard !returns else {
            #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
            return try MemoryFederationTests().expectAgreement(federation, rounds: 2)
        }
        #expect(federation.end?.outcome == .aborted)
        let sentence = federation.end?.sentence ?? ""
        #expect(sentence.contains("site-1") && sentence.contains("the rounds of epoch 1 are used up"), "\(sentence)")
        #expect(federation.now - died <= .seconds(70))
    }

    @Test func aCrossCheckOfHonestHoldersChangesNothing() throws {
        let federation = try MemoryFederation(sites: 6, rounds: 2, slots: .sampled)
        federation.settings.crossCheck = true
        try federation.startCoordinator()
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try MemoryFederationTests().expectAgreement(federation, rounds: 2)
        let compared = federation.reports.filter { $0 == .crossChecked(slots: 3, of: 3) }
        #expect(compared.count == 3, "two rounds and the closing one")
        #expect(federation.rejections.isEmpty, "\(federation.rejections)")
    }

    /// A single helper that adds an error is seen before anything is published, and its share is kept beside the true one.
    @Test func aHelperThatAddsAnErrorIsSeenByTheCrossCheck() throws {
        let federation = try MemoryFederation(sites: 6, rounds: 2, slots: .sampled)
        federation.settings.crossCheck = true
        try federation.startCoordinator()
        try federation.connectAll()
        var liar: PartyID?
        federation.interceptor = { delivery in
            guard case .offer(let party, .partial(let header), let trailer, let vector) = delivery,
                party == liar ?? party, let key = federation.sites[party]?.key,
                let partial = try? Partial(payload: trailer.payload)
            else { return [delivery] }
            liar = party
            var wrong = vector
            guard (try? wrong.add(vector)) != nil else { return [delivery] }
            wrong.canonicalize()
            let signed = try? Signed(
                signing: Partial(
                    epochHash: partial.epochHash, ctx: partial.ctx, survivorsHash: partial.survivorsHash,
                    slot: partial.slot, leaf: vectorLeaf(wrong)), with: key)
            return [.offer(party, .partial(header), signed?.envelope ?? trailer, wrong)]
        }
        try federation.run()
        #expect(federation.end?.outcome == .verificationFailed)
        #expect(federation.opened.isEmpty && federation.sums.isEmpty, "nothing is published")
        let name = try #require(liar.flatMap { federation.sites[$0] }).name
        #expect(federation.end?.sentence.contains(name) == true, "\(federation.end as Any)")
        #expect(federation.rejections.contains { if case .partialsDiffer = $0.1 { true } else { false } })
    }

    /// A helper's partner has other keys than the helper: whoever did that is named by its own two statements.
    @Test func aMemberThatGivesItsSlotsHoldersDifferentSeedsIsOutBeforeAnyUpload() throws {
        let federation = try MemoryFederation(sites: 5, slots: .sampled)
        let liar = try #require(federation.names["site-3"].flatMap { federation.sites[$0] })
        federation.interceptor = { delivery in
            guard case .toPeer(let peer, let from, .slotSeed(let seed)) = delivery, from == liar.id,
                let plan = liar.machine?.plan, let slot = plan.slot(heldBy: peer), plan.slots[slot].standby == peer,
                let statement = try? SlotSeedStatement(payload: seed.statement.payload)
            else { return [delivery] }
            let other = SecretBytes([UInt8](repeating: 9, count: 32))
            let forged = SlotSeedStatement(epochHash: statement.epochHash, slot: slot, seedHash: slotSeedHash(other))
            guard let signed = try? Signed(signing: forged, with: liar.key) else { return [] }
            return [.toPeer(peer, from: from, .slotSeed(SlotSeed(statement: signed.envelope, seed: other)))]
        }
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.epoch != nil })
        let evidence = federation.rejections.contains {
            if case .conflictingStatements(liar.id.hex, _, _) = $0.1 { $0.by.hasPrefix("server") } else { false }
        }
        #expect(evidence, "\(federation.rejections)")
        #expect(federation.coordinator?.epoch?.members.contains(liar.id) == false)
        #expect(!liar.facts.contains { if case .uploaded = $0 { true } else { false } })
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any)")
    }

    @Test func theServerMayRestartAtAnyStep() throws {
        let total = try SampledDeathTests().steps(5, from: 0)
        for moment in stride(from: 1, to: total, by: 6) {
            let federation = try MemoryFederation(sites: 5, slots: .sampled)
            try federation.connectAll()
            try SampledDeathTests().advance(federation, by: moment)
            guard federation.end == nil else { continue }
            federation.killCoordinator()
            while try federation.step() {}
            try federation.startCoordinator()
            try federation.connectAll()
            try federation.run()
            // What was sent before the end is still on its way.
            while try federation.step() {}
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2)
        }
    }

    @Test func aSiteThatRestartsAtAnyStepIsBackInTheRun() throws {
        let total = try SampledDeathTests().steps(5, from: 0)
        for moment in stride(from: 1, to: total, by: 5) {
            let federation = try MemoryFederation(sites: 5, slots: .sampled)
            try federation.connectAll()
            try SampledDeathTests().advance(federation, by: moment)
            guard federation.end == nil else { continue }
            let isReady = federation.coordinator?.epoch != nil
            let name = "site-\(moment % 5)"
            try federation.kill(name)
            for _ in 0..<7 { _ = try federation.step() }
            try federation.restart(name)
            try federation.run()
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            // Seeds that had come are lost with the process: during a set-up the others may go on without whoever still waits
            // for the other's.
            let members = federation.coordinator?.epoch?.members ?? []
            let out = federation.sites.values.filter { !members.contains($0.id) }.map(\.name)
            #expect(isReady ? out.isEmpty : out.count <= 1, "killed at \(moment): \(out)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: Set(out))
        }
    }
}

/// Deaths in epochs with standbys.
@Suite struct SampledDeathTests {
    /// A federation of the given size whose first epoch is ready.
    private func ready(_ count: Int, rounds: Int = 2, slots: SlotChoice = .sampled) throws -> MemoryFederation {
        let federation = try MemoryFederation(sites: count, rounds: rounds, slots: slots)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.epoch != nil })
        return federation
    }

    /// The steps of an undisturbed run, from its first one or from its first epoch on.
    func steps(_ count: Int, from first: Int? = nil) throws -> Int {
        let federation = try first == nil ? ready(count) : MemoryFederation(sites: count, slots: .sampled)
        if first != nil { try federation.connectAll() }
        var steps = 0
        try federation.run(until: {
            steps += 1
            return false
        })
        return steps
    }

    /// Runs so many steps more.
    func advance(_ federation: MemoryFederation, by moment: Int) throws {
        var steps = 0
        try federation.run(until: {
            steps += 1
            return steps > moment
        })
    }

    @Test(arguments: [(4, 1), (5, 2), (6, 3), (7, 5)])
    func oneDeathAtAnyStepIsSurvived(count: Int, stride step: Int) throws {
        let total = try steps(count)
        for moment in stride(from: 1, to: total, by: step) {
            let federation = try ready(count)
            try advance(federation, by: moment)
            guard federation.end == nil else { continue }
            let plan = try #require(federation.coordinator?.epoch)
            // Holders first, then the others, in turn.
            let order = plan.holders + plan.members.filter { !plan.holders.contains($0) }
            let victim = try #require(federation.sites[order[moment % order.count]]).name
            try federation.kill(victim)
            try federation.run()
            #expect(
                federation.end?.outcome == .complete,
                "\(victim) killed at \(moment): \(federation.end as Any) \(federation.rejections)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: [victim])
        }
    }

    /// Before a vote the others close the epoch and send the same updates in another one; after it the run ends, and says
    /// which slot is lost.
    @Test(arguments: [6, 10])
    func aSlotThatIsLostWholeCostsNoTrainingBeforeTheVote(count: Int) throws {
        let total = try steps(count)
        var (aborted, closed) = (0, 0)
        for moment in stride(from: 1, to: total, by: count + 1) {
            let federation = try ready(count)
            try advance(federation, by: moment)
            guard federation.end == nil else { continue }
            let slot = try #require(federation.coordinator?.epoch).slots[1]
            let victims = try slot.holders.map { try #require(federation.sites[$0]).name }
            let died = federation.now
            for victim in victims { try federation.kill(victim) }
            let hasVotes = federation.sites.values.contains { $0.hasVotedUnderItsBase }
            let isCollecting = federation.coordinator?.phaseName == "uploads"
            try federation.run()
            MemoryFederationTests().expectOneSetPerBase(federation)
            #expect(
                !isCollecting || federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            if federation.end?.outcome == .complete {
                try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: Set(victims))
                let isLeft = federation.coordinatorFacts.contains {
                    if case .epochAbandoned = $0 { true } else { false }
                }
                closed += isLeft ? 1 : 0
                continue
            }
            aborted += 1
            // What the coordinator has sent out by then may be voted for after the deaths.
            let isFixed = federation.coordinatorFacts.contains {
                if case .survivorsFixed = $0 { true } else { false }
            }
            #expect(federation.end?.outcome == .aborted && (hasVotes || isFixed), "killed at \(moment)")
            #expect(federation.now - died <= .seconds(70))
            let sentence = federation.end?.sentence ?? ""
            #expect(sentence.contains("possible second opening"), "\(sentence)")
            #expect(victims.allSatisfy(sentence.contains), "\(sentence)")
        }
        #expect(aborted > 0 && closed > 0, "of both there are moments")
    }

    /// All that is lost comes back after the epoch was left: the run goes on with it, and nobody trains twice under a base.
    @Test func whoComesBackAfterTheEpochWasLeftIsTakenUpAgain() throws {
        let federation = try ready(6, rounds: 3)
        let slot = try #require(federation.coordinator?.epoch).slots[0]
        let victims = try slot.holders.map { try #require(federation.sites[$0]).name }
        try advance(federation, by: 4)
        for victim in victims { try federation.kill(victim) }
        try federation.run(until: { federation.coordinator?.epoch?.proposal.epoch == 2 })
        #expect(federation.coordinator?.epoch?.members.count == 4)
        for victim in victims { try federation.restart(victim) }
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try MemoryFederationTests().expectAgreement(federation, rounds: 3)
        #expect(federation.coordinator?.epoch?.members.count == 6)
    }

    /// Two epochs are left under one base, so that those who are in the third need the word of the members of both.
    @Test func twoEpochsMayBeLeftUnderOneBase() throws {
        let federation = try ready(10)
        let base = try #require(federation.coordinator?.presentBase)
        var dead: [String] = []
        for epoch in [UInt64(1), 2] {
            try federation.run(until: {
                federation.coordinator?.epoch?.proposal.epoch == epoch && federation.coordinator?.phaseName == "uploads"
            })
            // Somebody uploads, and then a slot is lost.
            for _ in 0..<14 { _ = try federation.step() }
            #expect(federation.coordinator?.phaseName == "uploads")
            let holders = try #require(federation.coordinator?.epoch).slots[0].holders
            dead += try holders.map { try #require(federation.sites[$0]).name }
            // Of the eight in the second epoch six are left: one who was lost in the first is back, and makes them enough.
            if epoch == 2 { try federation.restart(dead[0]) }
            for name in dead.suffix(2) { try federation.kill(name) }
            try federation.run(until: { federation.coordinator?.epoch?.proposal.epoch == epoch + 1 })
        }
        #expect(federation.coordinator?.presentBase == base)
        #expect(federation.coordinator?.epoch?.members.count == 7)
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: Set(dead.dropFirst()))
        let set = try #require(federation.opened.first { $0.base == base }?.set)
        #expect(set.count == 7, "the updates of the first epoch, of all that are left")
    }

    /// Sites die and come back while the epoch is closed, at every step of it.
    @Test func aSiteThatRestartsWhileTheEpochIsClosedIsBack() throws {
        for moment in stride(from: 0, to: 40, by: 3) {
            let federation = try ready(6)
            let slot = try #require(federation.coordinator?.epoch).slots[0]
            try advance(federation, by: 5)
            let victims = try slot.holders.map { try #require(federation.sites[$0]).name }
            for victim in victims { try federation.kill(victim) }
            try federation.run(until: { federation.coordinator?.phaseName == "closing an epoch" })
            for _ in 0..<moment { _ = try federation.step() }
            let other = try #require(federation.sites.values.map(\.name).sorted().first { !victims.contains($0) })
            try federation.kill(other)
            _ = try federation.step()
            try federation.restart(other)
            try federation.run()
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: Set(victims))
        }
    }

    @Test func theServerMayRestartWhileTheEpochIsClosed() throws {
        for moment in stride(from: 0, to: 40, by: 4) {
            let federation = try ready(6)
            let slot = try #require(federation.coordinator?.epoch).slots[0]
            try advance(federation, by: 5)
            let victims = try slot.holders.map { try #require(federation.sites[$0]).name }
            for victim in victims { try federation.kill(victim) }
            try federation.run(until: { federation.coordinator?.phaseName == "closing an epoch" })
            for _ in 0..<moment { _ = try federation.step() }
            federation.killCoordinator()
            while try federation.step() {}
            try federation.startCoordinator()
            try federation.connectAll()
            try federation.run()
            while try federation.step() {}
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: Set(victims))
        }
    }

    @Test func oneDeathAtAnyStepIsSurvivedWithPackedEncodingsToo() throws {
        for moment in stride(from: 1, to: 200, by: 11) {
            let federation = try MemoryFederation(sites: 5, rounds: 2, bits: 16, slots: .sampled)
            try federation.connectAll()
            try federation.run(until: { federation.coordinator?.epoch != nil })
            try advance(federation, by: moment)
            guard federation.end == nil else { continue }
            let plan = try #require(federation.coordinator?.epoch)
            let victim = try #require(federation.sites[plan.holders[moment % 4]]).name
            try federation.kill(victim)
            try federation.run()
            #expect(federation.end?.outcome == .complete, "\(victim) killed at \(moment): \(federation.end as Any)")
            try MemoryFederationTests().expectAgreement(federation, rounds: 2, except: [victim])
        }
    }
}
