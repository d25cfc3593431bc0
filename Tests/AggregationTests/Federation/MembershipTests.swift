// SPDX-License-Identifier: MIT

import Identity
import Messages
import Testing

@testable import Aggregation

/// Sites that come and go between rounds, where slots have standbys: the run goes on by itself, in new epochs.
@Suite struct MembershipTests {
    /// Sites whose policies take newcomers without asking their engineers.
    private func open(_ count: Int, rounds: Int, slots: SlotChoice) throws -> MemoryFederation {
        let federation = try MemoryFederation(sites: count, rounds: rounds, slots: slots)
        for site in federation.sites.values { try welcome(site) }
        try federation.connectAll()
        return federation
    }

    private func welcome(_ site: MemorySite) throws {
        site.policy.newMembers = .accept
        try site.start()
    }

    private func run(_ federation: MemoryFederation, to applied: Int) throws {
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == applied })
        #expect(federation.coordinator?.chain.appliedRounds == applied, "\(federation.end as Any)")
    }

    private func members(_ federation: MemoryFederation) -> Set<String> {
        Set((federation.coordinator?.epoch?.members ?? []).compactMap { federation.sites[$0]?.name })
    }

    @Test(arguments: [SlotChoice.sampled, .all])
    func sitesLeaveJoinReturnAndAreRevokedBetweenRounds(slots: SlotChoice) throws {
        let federation = try open(6, rounds: 8, slots: slots)
        try run(federation, to: 1)
        try federation.kill("site-5")
        try run(federation, to: 3)
        #expect(slots == .sampled || !members(federation).contains("site-5"))
        let late = try federation.addSite("late", seed: 9)
        try welcome(late)
        try federation.event { try $0.registryChanged(federation.registry, now: federation.now) }
        try federation.connect("late")
        try run(federation, to: 5)
        #expect(members(federation).contains("late") && !members(federation).contains("site-5"))
        // It was handed the model, confirmed by f + 1 others that had computed it, and takes part.
        #expect(late.facts.contains { if case .chain(_, own: false) = $0 { true } else { false } })
        #expect(!late.made.isEmpty)
        try federation.restart("site-5")
        try run(federation, to: 6)
        try run(federation, to: 7)
        #expect(members(federation).contains("site-5"))
        let revoked = try #require(federation.names["site-4"])
        try federation.event { machine in
            try machine.registryChanged(federation.registry.filter { $0.id != revoked }, now: federation.now)
        }
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try MemoryFederationTests().expectAgreement(federation, rounds: 8, except: ["site-4"])
    }

    /// What it is handed has to lead to the model that all members name, and f + 1 of them must have computed it.
    @Test func aLateSiteThatIsHandedOtherParametersTakesNoPart() throws {
        let federation = try open(5, rounds: 5, slots: .sampled)
        try run(federation, to: 2)
        let late = try federation.addSite("late", seed: 9)
        try welcome(late)
        federation.interceptor = { delivery in
            guard case .handover(late.id, let header, let values) = delivery else { return [delivery] }
            return [.handover(late.id, header, values.map { $0 + 1 })]
        }
        try federation.event { try $0.registryChanged(federation.registry, now: federation.now) }
        try federation.connect("late")
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        #expect(late.made.isEmpty && !members(federation).contains("late"))
        let refused = federation.reports.contains {
            if case .proposalRefused(late.id, .modelHash, _) = $0 { true } else { false }
        }
        #expect(refused)
        try MemoryFederationTests().expectAgreement(federation, rounds: 5, except: ["late"])
    }

    /// Two thirds of the largest epoch are needed: sites that leave one by one end the run where that is reached.
    @Test func sitesLeaveOneByOneUntilTooFewAreLeft() throws {
        let federation = try open(6, rounds: 40, slots: .sampled)
        for number in 0..<6 {
            let before = federation.coordinator?.chain.appliedRounds ?? 0
            try federation.run(until: { (federation.coordinator?.chain.appliedRounds ?? 0) >= before + 3 })
            guard federation.end == nil else { break }
            try federation.kill("site-\(number)")
        }
        try federation.run()
        #expect(federation.end?.outcome == .aborted)
        #expect(federation.coordinatorFacts.contains { if case .epochReady(epoch: 3) = $0 { true } else { false } })
        #expect(members(federation).count == 4, "two thirds of six")
        MemoryFederationTests().expectOneSetPerBase(federation)
    }
}
