// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Quantization
import Testing

@testable import Aggregation

/// Packed encodings through whole runs: scales that follow from sums, and overflows (protocol sections 5 and 8).
@Suite struct PackedFederationTests {
    /// A run whose updates grow a thousandfold in round 2: the scale that round 1 left does not hold them.
    private static func overflowing(sites: Int = 4) throws -> MemoryFederation {
        let federation = try MemoryFederation(sites: sites, rounds: 3, bits: 16)
        for site in federation.sites.values { site.growth = { $0 == 2 ? 1000 : 1 } }
        try federation.connectAll()
        return federation
    }

    private func expectOneChain(_ federation: MemoryFederation, steps: Int) throws {
        let chain = try #require(federation.coordinator?.chain)
        #expect(federation.end?.outcome == .complete, "\(federation.end as Any)")
        #expect(chain.index == UInt64(steps) && chain.closed)
        for site in federation.sites.values {
            #expect(site.machine?.ledger.chain == chain, "\(site.name)")
            #expect(Set(site.made.map(\.base)).count == site.made.count, "\(site.name) made two updates for one base")
        }
        for (base, group) in Dictionary(grouping: federation.opened, by: \.base) {
            #expect(Set(group.map(\.set)).count == 1, "base \(base.hex.prefix(8)) was opened over several sets")
        }
    }

    @Test(arguments: [7, 9, 16, 21, 32] as [UInt8]) func aRunEndsWithOneModelAndOneScale(bits: UInt8) throws {
        let federation = try MemoryFederation(sites: 4, rounds: 3, bits: bits)
        try federation.connectAll()
        try federation.run()
        try expectOneChain(federation, steps: 4)
        let scale = try #require(federation.coordinator?.chain.scale)
        #expect(scale.encoding.bits == bits && !scale.isFirst)
    }

    @Test func theFirstRoundHasThirtyTwoBits() throws {
        let federation = try MemoryFederation(sites: 3, rounds: 2, bits: 9)
        let first = try #require(federation.coordinator?.chain.scale)
        #expect(first.isFirst && first.encoding.bits == 32 && first.encoding.exponents == [-31])
    }

    @Test func anOverflowIsRepeatedByTheSameSetInTheScaleOfAFirstRound() throws {
        let federation = try Self.overflowing()
        try federation.run()
        // Three rounds, an overflow, the closing round.
        try expectOneChain(federation, steps: 5)
        let overflows = federation.reports.filter { if case .roundOverflowed = $0 { true } else { false } }
        #expect(overflows.count == 1)
    }

    @Test func theServerMayRestartAroundAnOverflow() throws {
        for pause in 0..<12 {
            let federation = try Self.overflowing()
            var stepsBehind = -1
            try federation.run(until: {
                if case .roundOverflowed? = federation.reports.last(where: { report in
                    if case .roundOverflowed = report { true } else { false }
                }) {
                    stepsBehind += 1
                }
                return stepsBehind == 3 * pause
            })
            federation.killCoordinator()
            while try federation.step() {}
            try federation.startCoordinator()
            try federation.connectAll()
            try federation.run()
            try expectOneChain(federation, steps: 5)
        }
    }

    @Test func aSiteMayRestartBetweenAnOverflowAndItsRepetition() throws {
        for pause in 0..<12 {
            let federation = try Self.overflowing()
            var stepsBehind = -1
            try federation.run(until: {
                if federation.reports.contains(where: { if case .roundOverflowed = $0 { true } else { false } }) {
                    stepsBehind += 1
                }
                return stepsBehind == 3 * pause
            })
            try federation.kill("site-1")
            for _ in 0..<5 { _ = try federation.step() }
            try federation.restart("site-1")
            try federation.run()
            try expectOneChain(federation, steps: 5)
        }
    }

    @Test func nobodyElseSendsInTheRepetition() throws {
        let federation = try Self.overflowing()
        let outsider = try #require(federation.names["site-3"])
        federation.sites[outsider]?.hasNoUpdate = { $0 == 2 }
        try federation.run()
        try expectOneChain(federation, steps: 5)
        // The overflow and its repetition have one base and one set; the outsider had an update by then.
        let without = federation.opened.filter { !$0.set.contains(outsider) }
        #expect(without.count == 2 * 4 && Set(without.map(\.base)).count == 1, "each of four sites opened two sums")
    }

    @Test func whoDidNotVoteSendsInTheRepetitionBehindTheEpochToo() throws {
        // The overflow is in the last round of the epoch, and one site of its set never sees the set: a quorum votes.
        let federation = try MemoryFederation(sites: 4, rounds: 3, bits: 16, slots: .sampled, roundsPerEpoch: 2)
        for site in federation.sites.values { site.growth = { $0 == 2 ? 1000 : 1 } }
        let slotless = {
            federation.sites.keys.first { federation.coordinator?.epoch?.slots.map(\.primary).contains($0) == false }
        }
        federation.interceptor = { delivery in
            guard case .toMember(let party, .survivors) = delivery, party == slotless(),
                federation.coordinator?.chain.index == 1
            else { return [delivery] }
            return []
        }
        try federation.connectAll()
        try federation.run()
        try expectOneChain(federation, steps: 5)
    }

    @Test(arguments: [1, 2] as [UInt64]) func anOverflowWhereThereCanBeNoneEndsTheRun(first: UInt64) throws {
        let federation = try MemoryFederation(sites: 4, rounds: 3, bits: 16)
        federation.forced = { $0 >= first ? .overflowed : nil }
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .verificationFailed, "\(federation.end as Any)")
        // The first round has the scale that honest updates fit; an overflow in the second is repeated once.
        #expect(federation.coordinator?.chain.index == (first == 1 ? 1 : 3))
        #expect(federation.coordinator?.chain.appliedRounds == Int(first) - 1)
    }

    @Test func aSumThatHonestSitesDoNotMakeEndsTheRun() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 3, bits: 16)
        federation.forced = { $0 == 2 ? .refused : nil }
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .verificationFailed, "\(federation.end as Any)")
        #expect(federation.coordinator?.chain.appliedRounds == 1)
        // It is over for good: the result that is stored is not published again.
        federation.killCoordinator()
        try federation.startCoordinator()
        #expect(federation.coordinator?.phaseName == "ended")
    }

    @Test func aScaleOfTheCoordinatorsOwnIsRefused() throws {
        let federation = try MemoryFederation(sites: 3, rounds: 2, bits: 16)
        federation.interceptor = { delivery in
            guard case .toMember(let party, .roundOpen(let open)) = delivery, open.round == 2 else { return [delivery] }
            let other = RoundOpen(
                epochHash: open.epochHash, round: open.round, kind: open.kind, modelHash: open.modelHash,
                encodingHash: SHA256.hash([1]), deadlineSeconds: open.deadlineSeconds)
            return [.toMember(party, .roundOpen(other))]
        }
        try federation.connectAll()
        try federation.run()
        #expect(federation.rejections.contains { $0.1 == .encodingMismatch })
        #expect(federation.coordinator?.chain.appliedRounds == 1)
    }
}
