// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Checks everything about a result that can be checked without its sum (protocol section 5, step R4).
struct ResultReview {
    let plan: EpochPlan
    let round: ParticipantRound
    let ledger: MemberLedger
    let selfID: PartyID

    /// Returns the set that was summed.
    func check(
        _ signed: Signed<RoundResult>, header: ResultHeader, leaf: Digest
    ) throws(PeerMisbehavior) -> SurvivorSet {
        let result = signed.value
        let context = round.context
        guard result.epochHash == plan.epochHash else { throw .wrongEpoch(message: "Result") }
        guard result.ctx == context.ctx, header.ctx == context.ctx else { throw .wrongRound(message: "Result") }
        guard header.elements == context.elements else { throw .resultInconsistent(field: "elements") }
        guard result.sumHash == leaf else { throw .resultInconsistent(field: "sum_hash") }
        let set = try checkedSet(result, signed.envelope)
        try checkRoot(result, set)
        try checkOwnLeaf(result, set)
        return set
    }

    private func checkedSet(
        _ result: RoundResult, _ envelope: Envelope
    ) throws(PeerMisbehavior) -> SurvivorSet {
        guard let set = SurvivorSet(bitmap: result.bitmap, of: plan.members.count) else {
            throw .resultInconsistent(field: "bitmap")
        }
        guard set.count >= round.context.cohortMin || Rule.cohortMin.isRemoved else {
            throw .setTooSmall(count: set.count, cohortMin: round.context.cohortMin)
        }
        guard !Rule.resultOfLockedSet.isRemoved else { return set }
        if let held = round.survivors, held.set != set {
            throw .conflictingStatements(of: "coordinator", first: held.envelope, second: envelope)
        }
        let hash = set.hash(epochHash: plan.epochHash)
        if let lock = ledger.lock(epochHash: plan.epochHash, base: round.context.base), lock != hash {
            throw .secondSet
        }
        return set
    }

    private func checkRoot(_ result: RoundResult, _ set: SurvivorSet) throws(PeerMisbehavior) {
        guard result.answered.count == plan.slots.count, result.partialLeaves.count == plan.slots.count,
            zip(plan.slots, result.answered).allSatisfy({ $0.isHeld(by: $1) })
        else { throw .resultInconsistent(field: "answered") }
        guard result.uploadLeaves.count == set.count else { throw .resultInconsistent(field: "upload_leaves") }
        let survivors = zip(set.indices, result.uploadLeaves).map { (id: plan.members[$0], leaf: $1) }
        let helpers = zip(result.answered, result.partialLeaves).map { (id: $0, leaf: $1) }
        guard resultRoot(survivors: survivors, helpers: helpers) == result.root else {
            throw .resultInconsistent(field: "root")
        }
    }

    /// This member's own leaf stands in the result if it is in the set.
    private func checkOwnLeaf(_ result: RoundResult, _ set: SurvivorSet) throws(PeerMisbehavior) {
        guard let index = plan.index(of: selfID), let place = set.indices.firstIndex(of: index) else { return }
        guard ledger.leaf(ofUploadIn: round.context.ctx) == result.uploadLeaves[place] else {
            throw .leafMismatch(party: selfID)
        }
    }
}
