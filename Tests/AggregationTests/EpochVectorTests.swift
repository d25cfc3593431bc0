// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// What an implementation in another language computes of an epoch, step by step (protocol sections 4 and 6).
@Suite struct EpochVectorTests {
    @Test func hashesOfHelpersAndEpochs() throws {
        let epochs = try Known.load("epoch").get("epochs").list()
        #expect(epochs.count == 3)
        for known in epochs {
            let mode = try #require(SlotMode(rawValue: UInt8(known.get("modeCode").int())))
            let slots = try known.get("slotsOrdered").list().map { slot in
                let holders = try slot.list().map { try $0.party() }
                return Slot(primary: holders[0], standby: holders.count > 1 ? holders[1] : nil)
            }
            let beacon = mode == .all ? .zero : try known.get("beacon").digest()
            let helpers = EpochPlan.helpersHash(mode: mode, beacon: beacon, slots: slots)
            #expect(helpers == (try known.get("helpersHash").digest()))
            let hash = EpochPlan.epochHash(proposalHash: try known.get("proposalHash").digest(), helpersHash: helpers)
            #expect(hash == (try known.get("epochHash").digest()))
        }
    }

    @Test func keysOfSlotsAndTheirChain() throws {
        for known in try Known.load("epoch").get("epochs").list() {
            let members = try known.get("members").list().map { try $0.party() }
            let epochHash = try known.get("epochHash").digest()
            let first = UInt64(try known.get("firstRound").int())
            let seeds = try known.get("seeds by member, slot").list()
            let keys = try known.get("CK by member, slot").list()
            let hashes = try known.get("H(\"slot-seed\", seed) by member, slot").list()
            for (member, party) in members.enumerated() {
                for (slot, seed) in try seeds[member].list().enumerated() {
                    let key = SlotKey(
                        seed: try seed.secret(), epochHash: epochHash, participant: party, slot: slot,
                        firstRound: first)
                    #expect(key.key == (try keys[member].list()[slot].secret()))
                    #expect(slotSeedHash(try seed.secret()) == (try hashes[member].list()[slot].digest()))
                }
            }
            try checkChain(known.get("CKChain"), seeds, members, epochHash, first)
        }
    }

    private func checkChain(
        _ chain: Known, _ seeds: [Known], _ members: [PartyID], _ epochHash: Digest, _ first: UInt64
    ) throws {
        let member = try chain.get("member").int()
        let slot = try chain.get("slot").int()
        let start = SlotKey(
            seed: try seeds[member].list()[slot].secret(), epochHash: epochHash, participant: members[member],
            slot: slot, firstRound: first)
        var stepwise = start
        for link in try chain.get("CK by round").list() {
            let round = UInt64(try link.get("round").int())
            stepwise.advance(to: round)
            #expect(stepwise.key == (try link.get("CK").secret()))
            var leap = start
            leap.advance(to: round)
            #expect(leap.key == stepwise.key && leap.round == round)
        }
    }

    @Test func theCheckKeyAndWhatIsSaidOfIt() throws {
        for known in try Known.load("epoch").get("epochs").list() {
            let shares = try known.get("g by slot, primary then standby").list().map { try $0.secret() }
            let key = CheckKey(shares: shares)
            #expect(key.key == (try known.get("G").secret()))
            #expect(key.readyHash == (try known.get("H(\"ready\", G)").digest()))
            #expect(shares.map(checkShareHash) == (try known.get("H(\"g\", g)").list().map { try $0.digest() }))
        }
    }

    @Test func numbersOfEveryCommittee() throws {
        let rows = try Known.load("numbers-table").get("rows").list()
        var seen: [String: Int] = [:]
        for row in rows {
            let members = try row.get("n").int()
            let gamma = try row.get("gammaPercent").int()
            let slots = try row.get("slots").int()
            let mode = try row.get("mode").text()
            let committee: Committee =
                mode == "all"
                ? .all(members: members, gammaPercent: gamma)
                : .withStandbys(members: members, slots: slots, gammaPercent: gamma)
            #expect(committee.memberCount == members)
            #expect(committee.slotCount == slots)
            #expect(committee.corruptMax == (try row.get("f").int()), "n = \(members), γ = \(gamma) %")
            #expect(committee.quorum == (try row.get("q").int()), "n = \(members), γ = \(gamma) %")
            #expect(committee.cohortMin == (try row.get("cohortMin").int()), "n = \(members), γ = \(gamma) %")
            seen[mode, default: 0] += 1
        }
        #expect(seen.keys.sorted() == ["all", "sampled"])
    }

    @Test func inAllEverybodyVotesAndGammaEntersTheCohortOnly() {
        for members in 3...40 {
            for gamma in [0, 5, 20, 33, 50] {
                let committee = Committee.all(members: members, gammaPercent: gamma)
                let corrupt = members * gamma / 100
                #expect(committee.quorum == members)
                #expect(committee.slotCount == members)
                #expect(committee.corruptMax == corrupt)
                #expect(committee.cohortMin >= corrupt + (members <= 4 ? 2 : 3))
                #expect(3 * committee.cohortMin >= 2 * members && committee.cohortMin >= 3)
            }
        }
        #expect([3, 4, 5, 6, 7, 9, 10].map(Committee.minMembersDefault) == [3, 3, 4, 4, 5, 6, 7])
    }
}
