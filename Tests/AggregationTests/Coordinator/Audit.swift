// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// What holds of every action of a coordinator, in every test: nothing goes out before it is recorded, a set that is
/// fixed stays, and a round has a set or a Skip.
struct Audit {
    private var facts: [CoordinatorFact] = []
    private var certified: Set<PartyID> = []
    private var sets: [Digest: [UInt8]] = [:]
    private var skips: Set<Digest> = []
    private var storedSums: Set<Digest> = []

    mutating func check(_ action: CoordinatorAction, _ plan: EpochPlan?) {
        switch action {
        case .record(let fact): take(fact)
        case .storeUploadSum(let context): storedSums.insert(context.ctx)
        case .accept(_, let isPartial): expect(isPartial || !hasOpenSet, "an upload is added after the set was fixed")
        case .send(let party, let message): checkSent(message, party)
        case .sendResult(_, _, let trailer): expectRecorded(.resultMade(StoredEnvelope(trailer)))
        default: break
        }
    }

    private mutating func take(_ fact: CoordinatorFact) {
        facts.append(fact)
        switch fact {
        case .certified(let members): certified.formUnion(members)
        case .roundOpened: certified = []
        case .survivorsFixed(let envelope, let leaves):
            guard let value = try? Survivors(payload: envelope.payload) else { return expect(false, "no Survivors") }
            expect(storedSums.contains(value.ctx), "the set is recorded before the sum of its uploads")
            expect(sets[value.ctx] == nil || sets[value.ctx] == value.bitmap, "a second set for one round")
            expect(!skips.contains(value.ctx), "a set for a round that was skipped")
            expect(leaves.count == value.bitmap.reduce(0) { $0 + $1.nonzeroBitCount }, "leaves of another set")
            sets[value.ctx] = value.bitmap
        case .skipped(let envelope, _):
            guard let value = try? Skip(payload: envelope.payload) else { return expect(false, "no Skip") }
            expect(sets[value.ctx] == nil, "a Skip for a round whose set was fixed")
            skips.insert(value.ctx)
        case .resultMade(let envelope):
            guard let value = try? RoundResult(payload: envelope.payload) else { return expect(false, "no Result") }
            expect(sets[value.ctx] == value.bitmap, "a Result over another set")
        default: break
        }
    }

    private func checkSent(_ message: ControlMessage, _ party: PartyID) {
        switch message {
        case .epochProposal(let envelope):
            expect(
                facts.contains { if case .epochProposed(_, StoredEnvelope(envelope)) = $0 { true } else { false } },
                "a proposal goes out unrecorded")
        case .beaconReveals:
            expect(
                facts.contains { if case .slotsDrawn = $0 { true } else { false } }, "slots are known unrecorded")
        case .roundOpen(let open): expectRecorded(.roundOpened(open.encoded()))
        case .survivors(let envelope):
            expect(
                facts.contains { if case .survivorsFixed(StoredEnvelope(envelope), _) = $0 { true } else { false } },
                "Survivors goes out unrecorded")
        case .certificate: expect(certified.contains(party), "a certificate goes out unrecorded")
        case .skip(let envelope):
            expect(
                facts.contains { if case .skipped(StoredEnvelope(envelope), _) = $0 { true } else { false } },
                "a Skip goes out unrecorded")
        default: break
        }
    }

    /// Whether the round that was opened last has its set.
    private var hasOpenSet: Bool {
        for fact in facts.reversed() {
            switch fact {
            case .survivorsFixed: return true
            case .roundOpened: return false
            default: continue
            }
        }
        return false
    }

    private func expectRecorded(_ fact: CoordinatorFact) {
        expect(facts.contains(fact), "something goes out unrecorded")
    }

    private func expect(_ condition: Bool, _ claim: Comment) {
        #expect(condition, claim)
    }
}
