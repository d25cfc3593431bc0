// SPDX-License-Identifier: MIT

import Identity
import Messages
import Testing

@testable import Aggregation

/// A party that joins between rounds, under `new_members = "ask"`.
@Suite struct NewcomerTests {
    @Test func aNewcomerIsLeftOutUntilEverybodyHasConfirmedIt() throws {
        let federation = try MemoryFederation(sites: 3, rounds: 8)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 1 })
        let late = try federation.addSite("late", seed: 9)
        try federation.event { try $0.registryChanged(federation.registry, now: federation.now) }
        try federation.connect("late")
        for (index, name) in ["site-0", "site-1", "site-2"].enumerated() {
            try federation.run(until: { federation.coordinator?.chain.appliedRounds == index + 2 })
            #expect(federation.coordinator?.plan?.members.count == 3, "\(index) sites have confirmed it")
            try confirm(late.id, at: name, in: federation)
        }
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        #expect(federation.coordinator?.plan?.members.contains(late.id) == true)
        // An acknowledgement may still be on its way when the next epoch is proposed.
        let rejections = federation.rejections.map(\.1).filter { $0 != .wrongEpoch(message: "SlotSeedAck") }
        #expect(rejections.isEmpty, "\(rejections)")
    }

    @Test func theRegistryMayChangeHowManyAreWaitedFor() throws {
        let federation = try MemoryFederation(sites: 3)
        try federation.event { try $0.registryChanged(federation.registry, cohort: 4, now: federation.now) }
        try federation.connectAll()
        #expect(federation.coordinator?.plan == nil && federation.queue.isEmpty)
        #expect(try #require(federation.coordinator?.gathered) == (present: 3, wanted: 4))
        try federation.event { try $0.registryChanged(federation.registry, cohort: 3, now: federation.now) }
        #expect(!federation.queue.isEmpty)
        #expect(federation.coordinator?.gathered == nil)
    }

    @Test func theWaitForTheCohortBeginsAnewWhenEverybodyHasGone() throws {
        let federation = try MemoryFederation(sites: 3)
        try federation.connect("site-0")
        try federation.disconnect("site-0")
        try federation.run()
        #expect(federation.end == nil && federation.coordinator?.nextDeadline == nil)
        try federation.connect("site-0")
        try federation.run()
        #expect(federation.end?.outcome == .aborted)
    }

    /// What `members confirm` beside a running client leads to.
    private func confirm(_ id: PartyID, at name: String, in federation: MemoryFederation) throws {
        let site = try #require(federation.names[name].flatMap { federation.sites[$0] })
        _ = site.record.confirm(id, now: 0)
        site.machine?.membersChanged(site.record)
        let hello = Hello(
            instance: [UInt8](repeating: 0, count: 16), addresses: [], position: site.machine?.position)
        federation.queue.append(.toCoordinator(site.id, .hello(hello)))
    }
}
