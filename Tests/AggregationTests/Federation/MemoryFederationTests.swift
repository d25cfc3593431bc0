// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// The real machines against each other, with real signatures and masks.
@Suite struct MemoryFederationTests {
    @Test(arguments: [3, 4, 5, 10])
    func everybodyEndsWithTheSameModel(count: Int) throws {
        let federation = try MemoryFederation(sites: count)
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 2)
        #expect(federation.rejections.isEmpty, "\(federation.rejections)")
    }

    /// All sites stand where the coordinator stands, and each base was opened over one set.
    func expectAgreement(_ federation: MemoryFederation, rounds: Int, except absent: Set<String> = []) throws {
        let chain = try #require(federation.coordinator?.chain)
        #expect(chain.appliedRounds == rounds)
        #expect(chain.closed)
        for site in federation.sites.values where !absent.contains(site.name) {
            #expect(site.machine?.ledger.chain?.modelHash == chain.modelHash, "\(site.name)")
        }
        expectOneSetPerBase(federation)
        for site in federation.sites.values {
            #expect(Set(site.made.map(\.base)).count == site.made.count, "\(site.name) made two updates for one base")
        }
    }

    func expectOneSetPerBase(_ federation: MemoryFederation) {
        for (base, group) in Dictionary(grouping: federation.opened, by: \.base) {
            #expect(Set(group.map(\.set)).count == 1, "base \(base.hex.prefix(8)) was opened over several sets")
        }
    }

    /// Which deliveries there are in an undisturbed run.
    static func deliveries(sites count: Int) throws -> Int {
        let federation = try MemoryFederation(sites: count)
        try federation.connectAll()
        var steps = 0
        try federation.run(until: {
            steps += 1
            return false
        })
        return steps
    }

    @Test func aSiteThatRestartsAtAnyStepIsBackInTheRun() throws {
        let total = try Self.deliveries(sites: 3)
        for moment in stride(from: 1, to: total, by: 5) {
            let federation = try MemoryFederation(sites: 3)
            try federation.connectAll()
            var steps = 0
            try federation.run(until: {
                steps += 1
                return steps > moment
            })
            guard federation.end == nil else { continue }
            try federation.kill("site-1")
            for _ in 0..<7 { _ = try federation.step() }
            try federation.restart("site-1")
            try federation.run()
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            try expectAgreement(federation, rounds: 2)
        }
    }

    @Test func theServerMayRestartAtAnyStep() throws {
        let total = try Self.deliveries(sites: 4)
        for moment in stride(from: 1, to: total, by: 7) {
            let federation = try MemoryFederation(sites: 4)
            try federation.connectAll()
            var steps = 0
            try federation.run(until: {
                steps += 1
                return steps > moment
            })
            guard federation.end == nil else { continue }
            federation.killCoordinator()
            while try federation.step() {}
            try federation.startCoordinator()
            try federation.connectAll()
            try federation.run()
            #expect(federation.end?.outcome == .complete, "killed at \(moment): \(federation.end as Any)")
            try expectAgreement(federation, rounds: 2)
        }
    }

    @Test func aSiteThatIsLostForGoodEndsTheEpochAndTheOthersGoOn() throws {
        let total = try Self.deliveries(sites: 4)
        for moment in stride(from: 30, to: total, by: 7) {
            let federation = try MemoryFederation(sites: 4)
            try federation.connectAll()
            var steps = 0
            try federation.run(until: {
                steps += 1
                return steps > moment
            })
            guard federation.end == nil else { continue }
            try federation.kill("site-2")
            try federation.run()
            expectOneSetPerBase(federation)
            let answered = federation.coordinator?.answeredUnderBase.isEmpty == false
            if federation.end?.outcome == .complete {
                try expectAgreement(federation, rounds: 2, except: ["site-2"])
            } else {
                #expect(answered, "killed at \(moment): \(federation.end as Any) \(federation.rejections)")
            }
        }
    }

    @Test func twoSitesWaitForTheThirdAndThenGiveUp() throws {
        let federation = try MemoryFederation(sites: 3)
        try federation.connectAll()
        try federation.run(until: {
            federation.reports.contains { if case .roundOpened = $0 { true } else { false } }
        })
        let before = federation.now
        try federation.kill("site-0")
        try federation.run()
        #expect(federation.end?.outcome == .aborted)
        #expect(federation.end?.sentence.contains("site-0") == true)
        #expect(federation.now - before >= federation.settings.rejoinWait)
    }

    @Test func aSiteThatComesBackIsTakenIntoTheNextEpoch() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 4)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 1 })
        try federation.kill("site-3")
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 2 })
        try federation.restart("site-3")
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 4)
    }

    @Test func aSiteThatComesBackInTheMiddleOfARoundIsHandedTheModelOfTheNext() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 4)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 1 })
        try federation.kill("site-3")
        try federation.run(until: {
            federation.coordinator?.chain.appliedRounds == 1 && federation.coordinator?.epoch?.members.count == 3
                && federation.coordinator?.phaseName == "uploads"
        })
        try federation.restart("site-3")
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 4)
        #expect(federation.coordinator?.epoch?.members.count == 4)
    }

    @Test func aNewcomerThatNobodyConfirmedIsLeftOutAndTheRunGoesOn() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 3)
        try federation.connectAll()
        try federation.run(until: { federation.coordinator?.chain.appliedRounds == 1 })
        try federation.addSite("stranger", seed: 9)
        try federation.event { try $0.registryChanged(federation.registry, now: federation.now) }
        try federation.connect("stranger")
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 3, except: ["stranger"])
        let refusals = federation.reports.filter { if case .proposalRefused = $0 { true } else { false } }
        #expect(!refusals.isEmpty && refusals.count <= 4)
    }

    @Test func aSiteWhoseStateWasRestoredElsewhereLosesItsKeysAndANewEpochFollows() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 3)
        try federation.connectAll()
        let id = try #require(federation.names["site-1"])
        try federation.run(until: { federation.sites[id]?.machine?.ledger.chain?.appliedRounds == 1 })
        try federation.kill("site-1")
        federation.names["site-1"].flatMap { federation.sites[$0] }?.keys = nil
        try federation.restart("site-1")
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 3)
    }

    @Test func aSiteThatItsPeersCannotReachIsLeftOut() throws {
        let federation = try MemoryFederation(sites: 4)
        let unreachable = try #require(federation.names["site-2"])
        federation.interceptor = { delivery in
            if case .toPeer(let party, let from, _) = delivery, party == unreachable || from == unreachable {
                []
            } else {
                [delivery]
            }
        }
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 2, except: ["site-2"])
        #expect(federation.coordinator?.epoch?.members.count == 3)
        let lost = federation.reports.contains {
            if case .memberLost(unreachable, _) = $0 { true } else { false }
        }
        #expect(lost)
    }

    @Test func sitesThatNeverReachOneAnotherEndTheRunWithASentence() throws {
        let federation = try MemoryFederation(sites: 4)
        federation.interceptor = { if case .toPeer = $0 { [] } else { [$0] } }
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .aborted, "\(federation.end as Any)")
    }

    @Test func whoHasAnsweredSitsThisBaseOutAndTheOthersGoOn() throws {
        let federation = try MemoryFederation(sites: 10)
        try federation.connectAll()
        try federation.run(until: {
            federation.coordinatorFacts.contains { if case .certified = $0 { true } else { false } }
        })
        let first = try #require(federation.coordinator?.answeredUnderBase)
        #expect(first.count == 3)
        let dead = try #require(first.min())
        for _ in 0..<2 { _ = try federation.step() }
        try federation.kill(try #require(federation.sites[dead]).name)
        try federation.run()
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any) \(federation.rejections)")
        try expectAgreement(federation, rounds: 2, except: [try #require(federation.sites[dead]).name])
        let base = try #require(federation.opened.first?.base)
        let set = try #require(federation.opened.first { $0.base == base }?.set)
        #expect(set.count >= 6 && set.count < 9, "whoever answered is not in the set: \(set.count)")
    }

    @Test func aSkipAfterAVoteIsRefusedAfterARestartToo() throws {
        let federation = try MemoryFederation(sites: 3)
        try federation.connectAll()
        let id = try #require(federation.names["site-1"])
        try federation.run(until: {
            federation.sites[id]?.facts.contains { if case .locked = $0 { true } else { false } } == true
        })
        let site = try #require(federation.sites[id])
        let context = try #require(site.machine?.openRound)
        let open = RoundOpen(
            epochHash: context.epochHash, round: context.round, kind: context.kind, modelHash: context.modelHash,
            encodingHash: context.encodingHash, deadlineSeconds: 600)
        let skip = try Signed(
            signing: Skip(
                epochHash: context.epochHash, ctx: context.ctx, round: context.round, reason: .belowCohortMinimum),
            with: federation.coordinatorKey)
        try federation.kill("site-1")
        try site.start()
        try site.handle(.roundOpen(open))
        let before = site.machine?.ledger.chain
        try site.handle(.skip(skip.envelope))
        #expect(site.machine?.ledger.chain == before)
        #expect(federation.rejections.contains { $0.by == "site-1" && $0.1 == .secondSet })
    }
}
