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

    @Test(arguments: ["epoch", "round-b16-n6", "round-first-b32-n4"]) func drawsOfSlots(file: String) throws {
        let known = try Known.load(file)
        let epochs = try file == "epoch" ? known.get("epochs").list() : [known.get("epoch")]
        for known in epochs where try known.get("mode").text() == "sampled" {
            let draft = try Self.draft(known)
            let hash = try known.get("proposalHash").digest()
            let nonces = try known.get("nonces").list().map { try $0.digest() }
            let commits = zip(draft.members, nonces).map {
                SlotBeacon.commit(proposalHash: hash, party: $0, nonce: $1)
            }
            #expect(commits == (try known.get("commits").list().map { try $0.digest() }))
            let beacon = SlotBeacon.beacon(
                members: draft.members, proposalHash: hash, commits: commits, nonces: nonces)
            #expect(beacon == (try known.get("beacon").digest()))
            let order = SlotBeacon.permutation(of: draft.members, beacon: beacon)
            #expect(order == (try known.get("permutationIDs").list().map { try $0.party() }))
            let plan = try #require(EpochPlan(draft, beacon: beacon))
            let slots = try known.get("slotsOrdered").list().map { try $0.list().map { try $0.party() } }
            #expect(plan.slots.map(\.holders) == slots)
            #expect(plan.helpersHash == (try known.get("helpersHash").digest()))
            let epochHash = EpochPlan.epochHash(proposalHash: hash, helpersHash: plan.helpersHash)
            #expect(epochHash == (try known.get("epochHash").digest()))
            #expect(draft.committee.corruptMax == (try known.get("f").int()))
            #expect(draft.committee.quorum == (try known.get("q").int()))
            #expect(draft.committee.cohortMin == (try known.get("cohortMin").int()))
        }
    }

    /// A proposal with the members of a file. Its hash is another one: the bytes of the file's proposal are not ours.
    private static func draft(_ known: Known) throws -> EpochDraft {
        var configuration = MemoryFederation.configuration(rounds: 1)
        configuration.gammaPercent = try known.get("gammaPercent").int()
        let members = try known.get("spki").list().map {
            EpochProposal.Member(key: try PublicKey(spki: try $0.bytes()), name: "member")
        }
        let proposal = EpochProposal(
            federation: "vectors", epoch: 1, round: 1, modelHash: .zero, paramsHash: .zero, appliedRounds: 0,
            members: members, mode: .sampled, slotCount: try known.get("slots").int(), configuration: configuration)
        return try EpochDraft(Signed(signing: proposal, with: Stage.key(200)))
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
                : .sampled(members: members, gammaPercent: gamma)
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
