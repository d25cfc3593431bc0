// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Asks both holders of every slot for its aggregate share, and compares (protocol section 6, "Cross-check"). They have the
/// same keys, so that two shares which differ show that one of the two is wrong, and not which.
extension Coordinator {
    /// The share of the other holder came: it is compared, not added. Nothing is published of a round where two differ.
    mutating func compare(
        _ first: (helper: PartyID, leaf: Digest, trailer: Envelope),
        _ second: (helper: PartyID, leaf: Digest, trailer: Envelope), _ slot: Int, _ round: inout AnsweringRound
    ) {
        guard round.isCrossChecked, second.helper != first.helper else { return }
        guard first.leaf != second.leaf else {
            round.checked.insert(slot)
            return
        }
        reject(second.helper, .partialsDiffer(slot: slot, first: first.trailer, second: second.trailer))
        finish(
            .verificationFailed,
            "cross-check: \(name(first.helper)) and \(name(second.helper)), who hold slot \(slot), have given different "
                + "shares of the sum of round \(round.round.context.round); nobody else can say which of them is wrong, and "
                + "nothing was applied; show both statements to the two sites, and let them compare their programs and "
                + "machines")
    }

    /// Whether the other holder of a slot may still give its share.
    func awaitsComparison(_ round: AnsweringRound, _ now: ContinuousClock.Instant) -> Bool {
        guard round.isCrossChecked else { return false }
        return round.partials.contains { slot, held in
            guard !round.checked.contains(slot), let request = round.requests[slot], now < request.deadline,
                let other = round.round.plan.slots[slot].holders.first(where: { $0 != held.helper })
            else { return false }
            return request.asked.contains(other) && !isLost(other, now) && registry[other] != nil
        }
    }

    /// Says which slots were compared, and of which only one holder was heard.
    mutating func reportComparison(_ round: AnsweringRound) {
        guard round.isCrossChecked else { return }
        let slots = round.round.plan.slots
        for (slot, pair) in slots.enumerated() where !round.checked.contains(slot) {
            guard let other = pair.holders.first(where: { $0 != round.partials[slot]?.helper }) else { continue }
            output.append(.report(.crossCheckMissed(slot: slot, other)))
        }
        output.append(.report(.crossChecked(slots: round.checked.count, of: slots.count)))
    }
}
