// SPDX-License-Identifier: MIT

import Identity
import Messages
import Testing

@testable import Aggregation

/// How many slots an epoch draws, and what follows from them (protocol section 6).
@Suite struct SlotNumbersTests {
    @Test func countsOfDrawsAreThoseOfExactFractions() throws {
        let rows = try Known.load("slot-draws").get("draws").list()
        #expect(rows.count == 13)
        for row in rows {
            let draw = SlotDraw(
                members: try row.get("n").int(), corrupt: try row.get("corrupt").int(),
                slots: try row.get("slots").int())
            #expect(draw.openChoices.description == (try row.get("open").text()), "\(draw)")
            #expect(draw.allChoices.description == (try row.get("all").text()), "\(draw)")
        }
    }

    @Test func slotsOfEveryNumberOfMembersAndEveryGamma() throws {
        for table in try Known.load("slot-draws").get("tables").list() {
            let members = try table.get("n").int()
            for gamma in 0...50 {
                guard let known = try? Self.slots(table, gamma) else { continue }
                #expect(
                    Committee.sampledSlots(members: members, gammaPercent: gamma) == known,
                    "n = \(members), γ = \(gamma) %")
            }
        }
    }

    private static func slots(_ table: Known, _ gamma: Int) throws -> Int {
        let known = try table.get("slots by gamma")
        if let list = try? known.list() { return try list[gamma].int() }
        return try known.get("\(gamma)").int()
    }

    /// The table of protocol section 6.
    @Test func numbersOfSmallEpochs() {
        let rows = (4...10).map { members in
            let committee = Committee.sampled(members: members, gammaPercent: 20)
            return [committee.slotCount, committee.corruptMax, committee.quorum, committee.cohortMin]
        }
        #expect(
            rows == [
                [2, 1, 3, 3], [2, 1, 4, 4], [3, 2, 5, 5], [3, 2, 5, 5], [3, 2, 6, 6], [3, 2, 6, 6], [3, 2, 7, 7],
            ])
    }

    @Test func twoCertificatesTakeMoreThanFDoubleVoters() {
        for members in 4...200 {
            for gamma in [0, 20, 50] {
                let committee = Committee.sampled(members: members, gammaPercent: gamma)
                #expect(2 * committee.quorum - members >= committee.corruptMax + 1)
                #expect(committee.corruptMax >= committee.slotCount - 1)
                #expect(2 * committee.slotCount <= members)
                #expect(committee.cohortMin > committee.corruptToOpen)
            }
        }
    }

    @Test func whatProtectsAnEpochInPlainWords() {
        #expect(
            Committee.sampled(members: 10, gammaPercent: 20).protection
                == "10 sites, 3 helper slots with standby. The coordinator can open a single update only if it has "
                + "corrupted the primary or the standby of every slot (safe up to 2 corrupt sites).")
        #expect(
            Committee.sampled(members: 4, gammaPercent: 20).protection.hasSuffix("(safe up to 1 corrupt site)."))
        #expect(
            Committee.all(members: 4, gammaPercent: 20).protection
                == "4 sites, 4 helper slots (all). The coordinator can open a single update only if it has corrupted "
                + "2 of the other 3 sites.")
        #expect(
            Committee.all(members: 3, gammaPercent: 20).protection.hasSuffix("corrupted every other site."))
        #expect(
            Committee.sampled(members: 10, gammaPercent: 20).numbers
                == "3 slots, f = 2, a certificate of 7 votes, sums over at least 7 sites")
    }

    /// The sentence is the least of three terms, whichever that is.
    @Test func theBoundIsTheLeastOfItsTerms() {
        for members in 4...60 {
            for gamma in stride(from: 0, through: 50, by: 5) {
                let committee = Committee.sampled(members: members, gammaPercent: gamma)
                let terms = [committee.slotCount, committee.corruptMax + 1, committee.cohortMin - 1]
                #expect(committee.corruptToOpen == terms.min())
            }
        }
        let many = Committee.withStandbys(members: 40, slots: 20, gammaPercent: 0)
        #expect(many.corruptToOpen == 20)
    }

    @Test func choicesOfTheOperator() {
        #expect(SlotChoice.sampled.mode(members: 3) == .all)
        #expect(SlotChoice.sampled.mode(members: 4) == .sampled)
        #expect(SlotChoice.all.mode(members: 10) == .all)
        #expect(SlotChoice.sampled.committee(members: 3, gammaPercent: 20) == .all(members: 3, gammaPercent: 20))
        #expect(SlotChoice.sampled.committee(members: 2, gammaPercent: 20) == nil)
        let party = { (index: UInt8) in PartyID(bytes: [UInt8](repeating: index, count: 16)) }
        let pairs = [(UInt8(1), UInt8(2)), (3, 4)].compactMap { a, b -> EpochProposal.Pair? in
            guard let a = party(a), let b = party(b) else { return nil }
            return .init(primary: a, standby: b)
        }
        let pinned = SlotChoice.pinned(pairs)
        #expect(pinned.committee(members: 3, gammaPercent: 20) == nil)
        #expect(pinned.committee(members: 5, gammaPercent: 20)?.slotCount == 2)
        #expect(pinned.committee(members: 6, gammaPercent: 20) == nil, "from six members on there are three slots")
        #expect(SlotChoice.all.membersMax(upTo: 400, gammaPercent: 20) == Limits.membersMaxInAll)
        #expect(SlotChoice.sampled.membersMax(upTo: 400, gammaPercent: 20) == 400)
        let most = SlotChoice.sampled.membersMax(upTo: 5000, gammaPercent: 50)
        #expect(most >= Limits.membersMaxInAll && most < 1000, "\(most)")
    }
}
