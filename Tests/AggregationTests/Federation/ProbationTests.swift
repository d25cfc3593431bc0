// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Parties that keep all others waiting, and what the coordinator does about them.
@Suite struct ProbationTests {
    @Test func eachOffenceDoublesThePauseUpToALimit() {
        let now = ContinuousClock.now
        var probation = Probation(now: now)
        var pauses: [Duration] = []
        for _ in 0..<9 {
            probation.strike(now: now, firstIsFree: false)
            pauses.append(probation.until - now)
        }
        #expect(pauses == [10, 20, 40, 80, 160, 320, 640, 640, 640].map { .seconds($0) })
    }

    @Test func theFirstOffenceMayBeFree() {
        let now = ContinuousClock.now
        var probation = Probation(now: now)
        probation.strike(now: now, firstIsFree: true)
        #expect(probation.until <= now)
        probation.strike(now: now, firstIsFree: true)
        #expect(probation.until == now + Probation.pauseMin)
    }

    @Test func nobodyHoldsTwoPlacesForStreams() {
        let parties = (1...3).map { PartyID(bytes: [UInt8](repeating: UInt8($0), count: 16)) }.compactMap(\.self)
        var streams = VectorStreams()
        #expect(streams.offer(StreamID(1), from: parties[0]) == nil)
        #expect(streams.takeGrants(atMost: 2, now: .now) == [StreamID(1)])
        #expect(streams.offer(StreamID(2), from: parties[0]) == StreamID(1))
        #expect(streams.offer(StreamID(3), from: parties[0]) == StreamID(2))
        #expect(streams.offer(StreamID(4), from: parties[1]) == nil)
        #expect(streams.offer(StreamID(5), from: parties[2]) == nil)
        #expect(streams.takeGrants(atMost: 2, now: .now) == [StreamID(3), StreamID(4)])
        #expect(streams.end(StreamID(1)) == nil)
    }

    /// A member is revoked when some helpers have answered: its answer is waited for, as the sum could not be made again.
    @Test func aMemberThatIsRevokedAtAnyStepEndsNoRun() throws {
        for moment in stride(from: 40, to: 400, by: 3) {
            let federation = try MemoryFederation(sites: 4)
            let revoked = try #require(federation.names["site-1"])
            try federation.connectAll()
            var steps = 0
            try federation.run(until: {
                steps += 1
                return steps > moment
            })
            guard federation.end == nil else { break }
            let rest = federation.registry.filter { $0.id != revoked }
            try federation.event { try $0.registryChanged(rest, now: federation.now) }
            while federation.end == nil {
                // What the shell does: a connection lasts as long as the registry in effect names its party.
                if federation.coordinator?.registry[revoked] == nil { try federation.disconnect("site-1") }
                try federation.run(untilEnd: 1)
            }
            #expect(federation.end?.outcome == .complete, "revoked at \(moment): \(federation.end as Any)")
            #expect(federation.coordinator?.registry[revoked] == nil)
        }
    }

    /// Every site asks its engineer about newcomers, and nobody has confirmed this one.
    @Test func aNewcomerThatConnectsAgainAndAgainCostsFewEpochs() throws {
        let federation = try MemoryFederation(sites: 4, rounds: 40)
        try federation.connectAll()
        try federation.run(until: { federation.coordinatorFacts.contains { $0.isApplied } })
        try federation.addSite("stranger", seed: 9)
        try federation.event { try $0.registryChanged(federation.registry, now: federation.now) }
        while federation.end == nil {
            try federation.disconnect("stranger")
            try federation.connect("stranger")
            try federation.run(untilEnd: 10)
        }
        #expect(federation.end?.outcome == .complete)
        // The first epoch; then two with the stranger, each followed by one without.
        #expect(federation.coordinatorFacts.count { if case .epochProposed = $0 { true } else { false } } <= 5)
    }

    /// A member votes for another set in every round: each epoch goes on without it, and it is out for longer each time.
    @Test func aMemberThatVotesForAnotherSetIsLeftOut() throws {
        let federation = try MemoryFederation(sites: 5, rounds: 12)
        let rogue = try #require(federation.names["site-2"])
        federation.interceptor = { delivery in
            if case .toCoordinator(rogue, .vote) = delivery { [] } else { [delivery] }
        }
        try federation.connectAll()
        let began = federation.now
        try federation.run()
        #expect(federation.end?.outcome == .complete)
        #expect(federation.now - began < .seconds(40))
    }

    /// A member whose vectors are none is not waited for until the deadline of the round.
    @Test func aMemberThatSendsNoVectorsIsNotWaitedFor() throws {
        let federation = try MemoryFederation(sites: 5, rounds: 6)
        let rogue = try #require(federation.names["site-2"])
        federation.interceptor = { delivery in
            guard case .offer(rogue, .upload(let header), _, let vector) = delivery,
                let forged = try? Signed(
                    signing: Upload(epochHash: .zero, ctx: header.ctx, leaf: .zero), with: federation.coordinatorKey)
            else { return [delivery] }
            return [.offer(rogue, .upload(header), forged.envelope, vector)]
        }
        try federation.connectAll()
        let began = federation.now
        try federation.run()
        #expect(federation.end?.outcome == .complete)
        #expect(federation.now - began < federation.settings.uploadDeadline)
        #expect(federation.rejections.contains { $0.1 == .invalid(.signature(message: "Upload")) })
    }
}

extension CoordinatorFact {
    fileprivate var isApplied: Bool { if case .applied = self { true } else { false } }
}
