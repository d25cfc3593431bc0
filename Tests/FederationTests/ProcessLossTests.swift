// SPDX-License-Identifier: MIT

import Testing

/// Real processes: what is lost before a vote costs no round, and who is slow is waited for no longer than others.
@Suite(.serialized, .ownThread) struct ProcessLossTests {
    /// Both holders of a slot die before the set is fixed: the others sign that they have not voted, and send the same updates
    /// in a new epoch. A site that is stopped, as it has not uploaded, keeps the round open until then.
    @Test func aSlotThatIsLostWholeBeforeTheVoteCostsNoRound() async throws {
        let federation = try await ProcessFederation.started(sites: 6, options: ["--rejoin-wait", "20s"])
        let places = await federation.places()
        let pair = try ["primary", "standby"].map { try #require(places["\($0) of slot 1"]) }
        let other = try #require(places["primary of slot 0"])
        var rounds = 0
        let isHeld = await eventually(within: .seconds(180)) {
            federation.stop(other)
            rounds = federation.siteFacts(other, "applied")
            guard rounds > 0, federation.siteFacts(other, "uploaded") == rounds else {
                federation.resume(other)
                return false
            }
            return true
        }
        #expect(isHeld, "\(federation.lastWords)")
        let haveUploaded = await eventually(within: .seconds(60)) {
            pair.allSatisfy { federation.siteFacts($0, "uploaded") > rounds }
        }
        #expect(haveUploaded, "\(federation.lastWords)")
        for site in pair { await federation.killClient(site) }
        // The server, told by the kernel, fixes no set from here on.
        let areGone = await eventually(within: .seconds(60)) {
            let words = federation.server?.output ?? ""
            return pair.allSatisfy { words.contains("a party disconnected name=site-\($0) ") }
        }
        #expect(areGone, "\(federation.lastWords)")
        // On a machine that is too busy the stopped site counts as lost by now: the set is fixed without it, or a new epoch was
        // proposed, of which the two are more than it can do without.
        let isLate = federation.serverFacts("survivorsFixed") > rounds || federation.serverFacts("epochProposed") > 1
        federation.resume(other)
        let code = await federation.serverEnd()
        #expect(code == 0 || (isLate && code == 2), "\(federation.lastWords)")
        if code == 0 { #expect(try federation.paramsHashes().count == ProcessFederation.manyRounds) }
        await federation.tearDown()
    }

    /// A site that is stopped keeps its connection: it is slow, not gone. The rounds go on without it after a second, here,
    /// and with it when it goes on.
    @Test func aSlowSiteIsLeftOutAndComesBack() async throws {
        let federation = try await ProcessFederation(sites: 5, rounds: 2000)
        federation.serverOptions = ["--upload-wait-min", "1s"]
        try await federation.startServer()
        try await federation.joinAll()
        try federation.startClients()
        let places = await federation.places()
        let slow = try #require((0..<5).first { site in !places.values.contains(site) })
        // Three rounds tell how long uploads take.
        let isPaced = await eventually(within: .seconds(180)) { federation.siteFacts(slow, "applied") > 4 }
        #expect(isPaced, "\(federation.lastWords)")
        federation.stop(slow)
        let rounds = federation.serverFacts("applied")
        let goesOn = await eventually(within: .seconds(180)) { federation.serverFacts("applied") > rounds + 3 }
        federation.resume(slow)
        #expect(goesOn, "\(federation.lastWords)")
        let words = federation.server?.output ?? ""
        #expect(words.contains("goes on without site-\(slow): slower than the others"), "\(words.suffix(2_000))")
        let uploads = federation.siteFacts(slow, "uploaded")
        let isBack = await eventually(within: .seconds(180)) { federation.siteFacts(slow, "uploaded") > uploads + 3 }
        #expect(isBack, "\(federation.lastWords)")
        await federation.tearDown()
    }
}
