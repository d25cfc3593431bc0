// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// A member's progress through steps E3 and E4: whose seeds it holds and whose shares have come back.
struct EpochExchange: Sendable {
    let plan: EpochPlan
    let selfIndex: Int
    var keys: EpochKeys
    /// Seeds for this member's slot, by member index.
    private(set) var received: [SecretBytes?]
    /// Check-key shares by slot.
    private(set) var shares: [SecretBytes?]

    init(plan: EpochPlan, keys: EpochKeys, selfID: PartyID) {
        guard let index = plan.index(of: selfID) else {
            preconditionFailure("a member enters only epochs that list it")
        }
        self.plan = plan
        self.keys = keys
        selfIndex = index
        received = [SecretBytes?](repeating: nil, count: plan.members.count)
        shares = [SecretBytes?](repeating: nil, count: plan.slots.count)
        received[index] = keys.seeds[index]
        shares[index] = keys.checkShare
    }

    /// Whether the seeds and shares of everybody are there.
    var isFull: Bool { !received.contains { $0 == nil } && !shares.contains { $0 == nil } }

    /// The members with whom the exchange is not finished, in either direction.
    var missing: [PartyID] {
        plan.members.indices.filter { index in
            received[index] == nil || plan.slots(heldBy: plan.members[index]).contains { shares[$0] == nil }
        }.map { plan.members[$0] }
    }

    /// Whether a slot's helper has acknowledged this member's seed.
    func isAcknowledged(slot: Int) -> Bool { shares[slot] != nil }

    /// Takes a seed; the first one wins. Returns the statement of the first when this one differs.
    mutating func take(seed: SlotSeed, from index: Int) -> Envelope? {
        if let first = received[index] {
            return first == seed.seed ? nil : keys.statements[index]
        }
        received[index] = seed.seed
        keys.statements[index] = seed.statement
        return nil
    }

    /// Takes the share of a slot's helper; a repeat changes nothing.
    mutating func take(share: SecretBytes, slot: Int) {
        if shares[slot] == nil { shares[slot] = share }
    }

    /// Derives the keys. The caller has made sure that the exchange is full.
    consuming func completed() -> EpochKeys {
        var keys = keys
        keys.complete(
            plan: plan, selfIndex: selfIndex, received: received.compactMap { $0 }, shares: shares.compactMap { $0 })
        return keys
    }
}
