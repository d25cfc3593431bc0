// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `doctor` of server and sites beside a federation that runs.
@Suite(.serialized, .ownThread, .timeLimit(.minutes(10))) struct DoctorRunTests {
    private func doctor(
        _ federation: ProcessFederation, _ program: String, _ arguments: [String]
    ) async throws -> (code: Int32?, report: DoctorReport) {
        let running = try RunningProgram(
            program, ["doctor", "--json"] + arguments, log: federation.log("doctor"))
        let code = await running.end(within: .seconds(120))
        let line = running.output.split(separator: "\n").first { $0.hasPrefix("{") }
        return (code, try DoctorReport(String(try #require(line, "\(running.output)"))))
    }

    private func site(_ federation: ProcessFederation, _ site: Int) -> [String] {
        [
            "--state", federation.path("site-\(site)"), "--server", federation.address, "--discovery", "off",
            "--dataset", "synthetic:600,32,10", "--part", "\(site)/\(federation.sites)",
        ]
    }

    private func server(_ federation: ProcessFederation) -> [String] {
        ["--state", federation.path("fed"), "--listen", federation.address, "--discovery", "off"]
    }

    @Test func itDisturbsNothingAndSeesEverything() async throws {
        let federation = try await ProcessFederation(sites: 3, rounds: 2000)
        try await federation.startServer()
        try await federation.joinAll()
        // Before the run: the server is there, no site is.
        let (early, before) = try await doctor(federation, "smpc-client", site(federation, 0))
        #expect(early == 0, "\(before.failed)")
        #expect(before["coordinator"]?.state == "ok")
        #expect(before["clock"]?.state == "ok")
        #expect(before["model"]?.state == "ok" && before["model"]?.subject == "softmax:32-10")
        #expect(before["peer"]?.state == "not_checked")
        #expect(federation.serverFacts("epochProposed") == 0)

        try federation.startClients()
        try await federation.waitForRounds(2)
        for _ in 0..<3 {
            let (code, report) = try await doctor(federation, "smpc-client", site(federation, 0))
            #expect(code == 0, "\(report.failed)")
            let peers = report.checks.filter { $0.name == "peer" }
            #expect(peers.count == 2)
            #expect(peers.allSatisfy { $0.state == "ok" && $0.found.hasPrefix("direct at 127.0.0.1:") }, "\(peers)")
            let process = federation.clients[0]?.process.processIdentifier ?? 0
            #expect(report["in_use"]?.found.hasPrefix("process \(process) runs") == true)
            let (serverCode, own) = try await doctor(federation, "smpc-server", server(federation))
            #expect(serverCode == 0, "\(own.failed)")
            #expect(own["listen"]?.found.hasPrefix("this server runs there and answers") == true)
        }
        try await federation.waitForRounds(federation.serverFacts("applied") + 3)
        for (number, client) in federation.clients {
            #expect(client.process.isRunning && !client.output.contains("coordinator lost"), "site-\(number)")
            // None of its questions was taken for a connection of the run.
            let asked = client.output.components(separatedBy: "a member only asks").count - 1
            #expect(asked == (number == 0 ? 0 : 3), "site-\(number): \(asked)")
        }
        let words = federation.server?.output ?? ""
        for sign in ["is lost", "began without Hello", "invalid message", "is skipped", "cannot go on"] {
            #expect(!words.contains(sign), "\(sign): \(words)")
        }
        let rounds = words.split(separator: "\n").filter { $0.hasPrefix("round ") }
        #expect(rounds.count > 4 && rounds.allSatisfy { $0.contains("cohort 3  dropouts 0") }, "\(rounds)")
        await federation.tearDown()
    }

    @Test func aSiteThatIsRevokedIsToldSo() async throws {
        let federation = try await ProcessFederation(sites: 3)
        try await federation.startServer()
        try await federation.joinAll()
        try await federation.run("smpc-server", ["revoke", "site-1", "--state", federation.path("fed")])
        // The server looks for revocations twice a second.
        var report: DoctorReport?
        let deadline = ContinuousClock.now + .seconds(60)
        repeat {
            report = try await doctor(federation, "smpc-client", site(federation, 1)).report
        } while report?["coordinator"]?.state == "ok" && ContinuousClock.now < deadline
        #expect(report?["coordinator"]?.state == "failed")
        #expect(report?["coordinator"]?.found.contains("certificate revoked") == true, "\(String(describing: report))")
        #expect(report?["coordinator"]?.remedy?.hasPrefix("ask the operator") == true)
        let (code, other) = try await doctor(federation, "smpc-client", site(federation, 0))
        #expect(code == 0, "\(other.failed)")
        await federation.tearDown()
    }
}
