// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// One death that nobody comes back from, at a step of a round.
struct Death: Sendable, CustomTestStringConvertible {
    /// What the one who dies is to the epoch.
    enum Role: String, Sendable, CaseIterable {
        case primary, standby, other, server
    }

    let sites: Int
    let role: Role
    /// The last fact that it has written: what follows from it has not gone out, or just has.
    let step: String

    var testDescription: String { "\(role) of \(sites) at \(step)" }

    /// What a site writes from the opening of a round to its end: before its upload, with its update, with the upload that
    /// goes out, with the set that it votes for, with the answer that goes out, and when it has applied the sum.
    static let siteSteps = ["entered", "updateKept", "uploaded", "locked", "answered", "applied"]
    /// What the server writes in a round.
    static let serverSteps = ["roundOpened", "survivorsFixed", "certified", "resultMade", "applied"]

    /// Every role at every step, for these numbers of sites.
    static func all(_ sites: [Int]) -> [Death] {
        sites.flatMap { sites in
            Role.allCases.flatMap { role -> [Death] in
                // Of four and of six sites everybody is a helper; a standby answers only when its primary is gone.
                if role == .other, sites == 4 || sites == 6 { return [] }
                let steps =
                    switch role {
                    case .server: serverSteps
                    case .primary: siteSteps
                    case .standby, .other: siteSteps.filter { $0 != "answered" }
                    }
                return steps.map { Death(sites: sites, role: role, step: $0) }
            }
        }
    }

    /// Each step once, each role and the small numbers of sites among them.
    static let some = [
        Death(sites: 4, role: .primary, step: "entered"), Death(sites: 5, role: .other, step: "updateKept"),
        Death(sites: 4, role: .standby, step: "uploaded"), Death(sites: 6, role: .standby, step: "locked"),
        Death(sites: 5, role: .primary, step: "answered"), Death(sites: 5, role: .other, step: "applied"),
        Death(sites: 5, role: .server, step: "roundOpened"), Death(sites: 4, role: .server, step: "certified"),
    ]
}

/// Real processes: whoever dies in a round of an epoch with standbys is gone for good, and the run goes on.
///
/// A process is killed when the fact of its step is on disk. The kill may come late: then it is one at a later step, and the
/// run has to survive that as well.
@Suite(.serialized, .ownThread) struct ProcessDeathTests {
    @Test(arguments: Death.some) func oneDeathIsSurvived(_ death: Death) async throws { try await survives(death) }

    /// With `PROCESS_TESTS=full`, as `scripts/test.sh --full` has it: a quarter of an hour.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["PROCESS_TESTS"] == "full"),
        arguments: Death.all([4, 5, 6, 10]))
    func everyDeathAtEveryStepIsSurvived(_ death: Death) async throws { try await survives(death) }

    /// Ten sites have three slots; of three of them one holder each dies, or of two and a site without a slot.
    @Test func threeDeathsOfTenBeforeTheVoteAreSurvived() async throws {
        let federation = try await ProcessFederation.started(sites: 10)
        let places = await federation.places()
        try #require(places.count == 6, "\(federation.lastWords)")
        let other = try #require((0..<10).first { site in !places.values.contains(site) })
        let victims = [try #require(places["primary of slot 0"]), try #require(places["standby of slot 1"]), other]
        let reached = await eventually(within: .seconds(180)) {
            victims.allSatisfy { federation.siteFacts($0, "uploaded") > 1 }
        }
        #expect(reached, "\(federation.lastWords)")
        for site in victims { federation.stop(site) }
        for site in victims { await federation.killClient(site) }
        await expectTheEnd(of: federation, "three deaths")
        await federation.tearDown()
    }

    private func survives(_ death: Death) async throws {
        let federation = try await ProcessFederation.started(sites: death.sites)
        let places = await federation.places()
        try #require(places.count == (death.sites < 6 ? 4 : 6), "\(federation.lastWords)")
        let victim =
            switch death.role {
            case .primary: places["primary of slot 0"]
            case .standby: places["standby of slot 0"]
            case .other, .server: (0..<death.sites).first { site in !places.values.contains(site) }
            }
        // In the second round, so that the sites have met; of a step that comes once a round.
        let reached = try await eventually(within: .seconds(180)) {
            death.role == .server
                ? federation.serverFacts(death.step) > 1
                : federation.siteFacts(try #require(victim), death.step) > 1
        }
        #expect(reached, "\(death): \(federation.lastWords)")
        if death.role == .server {
            await federation.killServer()
            try await federation.startServer()
        } else {
            await federation.killClient(try #require(victim))
        }
        await expectTheEnd(of: federation, "\(death)")
        await federation.tearDown()
    }

    /// The run ends well, with every round applied, and everybody who is left has the server's model.
    private func expectTheEnd(of federation: ProcessFederation, _ what: String) async {
        let code = await federation.serverEnd()
        #expect(code == 0, "\(what):\n\(federation.lastWords)")
        #expect((try? federation.paramsHashes().count) == ProcessFederation.manyRounds, "\(what)")
        for (site, client) in federation.clients {
            let code = await client.end(within: .seconds(60))
            // Whoever was killed ended by a signal.
            guard client.process.isRunning || client.process.terminationReason == .exit else { continue }
            #expect(code == 0, "\(what): site-\(site): \(client.output)")
        }
    }
}

extension ProcessFederation {
    /// A server and clients that have joined and train.
    static func started(sites: Int, options: [String] = []) async throws -> ProcessFederation {
        let federation = try await ProcessFederation(sites: sites, rounds: manyRounds)
        federation.serverOptions = options
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        return federation
    }
}
