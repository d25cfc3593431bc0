// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Compares the EpochReady of every member with the seeds that a helper holds (protocol section 4, step E5).
struct ReadyReview {
    let plan: EpochPlan
    let keys: EpochKeys
    let selfID: PartyID
    let verifier: any Verifier

    enum Outcome {
        /// Everything agrees; so many other members computed the model themselves.
        case accept(othersOwning: Int)
        /// A participant stated another seed than it sent.
        case dispute(SlotDispute)
        case reject(PeerMisbehavior)
    }

    func check(_ statements: [Envelope]) -> Outcome {
        guard statements.count == plan.members.count else {
            return .reject(.certificateTooSmall(valid: statements.count, quorum: plan.members.count))
        }
        var othersOwning = 0
        for (index, envelope) in statements.enumerated() {
            let ready: EpochReady
            do {
                ready = try Signed<EpochReady>(
                    opening: envelope, signedBy: plan.proposal.members[index].key, using: verifier
                ).value
            } catch {
                return .reject(.invalid(error))
            }
            guard ready.epochHash == plan.epochHash else { return .reject(.wrongEpoch(message: "EpochReady")) }
            guard ready.readyHash == keys.checkKey?.readyHash || Rule.readyCompared.isRemoved else {
                return .reject(.resultInconsistent(field: "check key of \(plan.members[index].hex)"))
            }
            if let dispute = dispute(ready, envelope, index) { return dispute }
            if ready.own, plan.members[index] != selfID { othersOwning += 1 }
        }
        return .accept(othersOwning: othersOwning)
    }

    private func dispute(_ ready: EpochReady, _ envelope: Envelope, _ index: Int) -> Outcome? {
        guard ready.seedHashes.count == plan.slots.count else {
            return .reject(.resultInconsistent(field: "seed hashes of \(plan.members[index].hex)"))
        }
        if let slot = plan.slot(heldBy: selfID), ready.seedHashes[slot] != keys.heldSeedHashes[index],
            !Rule.readyCompared.isRemoved
        {
            guard let sent = keys.statements[index] else {
                return .reject(.resultInconsistent(field: "own seed hash"))
            }
            return .dispute(SlotDispute(party: plan.members[index], slotSeed: sent, epochReady: envelope))
        }
        return nil
    }
}
