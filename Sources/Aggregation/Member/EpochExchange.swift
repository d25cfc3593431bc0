// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// A member's progress through steps E3 and E4: whose seeds it holds and whose shares have come back.
struct EpochExchange: Sendable {
    let plan: EpochPlan
    let selfIndex: Int
    var keys: EpochKeys
    /// Seeds for this member's slot, by member index; empty for a member without a slot.
    private(set) var received: [SecretBytes?]
    /// Check-key shares by slot, primary then standby.
    private(set) var shares: [SecretBytes?]

    init(plan: EpochPlan, keys: EpochKeys, selfID: PartyID) {
        guard let index = plan.index(of: selfID) else {
            preconditionFailure("a member enters only epochs that list it")
        }
        self.plan = plan
        self.keys = keys
        selfIndex = index
        received = []
        shares = [SecretBytes?](repeating: nil, count: plan.holders.count)
        guard let slot = plan.slot(heldBy: selfID) else { return }
        received = [SecretBytes?](repeating: nil, count: plan.members.count)
        received[index] = keys.seeds[slot]
        take(share: keys.checkShare, of: selfID)
    }

    /// Whether the seeds and shares of everybody are there.
    var isFull: Bool { !received.contains { $0 == nil } && !shares.contains { $0 == nil } }

    /// The members with whom the exchange is not finished, in either direction.
    var missing: [PartyID] {
        let unheard = received.indices.filter { received[$0] == nil }.map { plan.members[$0] }
        let silent = shares.indices.filter { shares[$0] == nil }.map { plan.holders[$0] }
        return Set(unheard + silent).sorted()
    }

    /// Whether a holder has acknowledged this member's seed.
    func isAcknowledged(by holder: PartyID) -> Bool {
        plan.holders.firstIndex(of: holder).map { shares[$0] != nil } ?? false
    }

    /// Takes a seed; the first one wins. Returns the statement of the first when this one differs.
    mutating func take(seed: SlotSeed, from index: Int) -> Envelope? {
        if let first = received[index] {
            return first == seed.seed ? nil : keys.statements[index]
        }
        received[index] = seed.seed
        keys.statements[index] = seed.statement
        return nil
    }

    /// Takes the share of a holder; a repeat changes nothing.
    mutating func take(share: SecretBytes, of holder: PartyID) {
        guard let place = plan.holders.firstIndex(of: holder), shares[place] == nil else { return }
        shares[place] = share
    }

    /// Derives the keys. The caller has made sure that the exchange is full.
    consuming func completed() -> EpochKeys {
        var keys = keys
        keys.complete(
            plan: plan, selfIndex: selfIndex, received: received.compactMap { $0 }, shares: shares.compactMap { $0 })
        return keys
    }
}
