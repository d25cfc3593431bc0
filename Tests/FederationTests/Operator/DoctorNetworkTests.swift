// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Programs
import Testing

@testable import SMPCClient

/// What `smpc-client doctor` says of clocks, sites and proxies that are not as they should be.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct DoctorNetworkTests {
    private func call(
        _ bench: Workbench, _ port: Int, _ arguments: [String] = []
    ) async throws -> (code: Int32?, report: DoctorReport) {
        try await SiteDoctorTests.call(
            bench,
            ["--state", "@site", "--server", "127.0.0.1:\(port)", "--discovery", "off"] + SiteDoctorTests.data
                + arguments)
    }

    @Test func clocksThatDifferAreNamed() async throws {
        let bench = try await Workbench()
        for (seconds, state) in [(0, "ok"), (-300, "warning"), (300, "warning"), (7_200, "failed")] {
            let server = try await FalseCoordinator(bench, ahead: Int64(seconds) * 1000)
            let (code, report) = try await call(bench, server.port)
            await server.close()
            #expect(code == (state == "failed" ? 1 : 0))
            let clock = try #require(report["clock"])
            #expect(clock.state == state, "\(clock)")
            #expect(clock.remedy?.contains("NTP") ?? true)
            // This side is behind by what the other one is ahead; give or take a busy minute.
            #expect(abs((clock.figures?["ahead_s"] ?? 1e9) + Double(seconds)) < 59, "\(clock)")
        }
    }

    @Test func anAnswerThatIsNoneFails() async throws {
        let bench = try await Workbench()
        let server = try await FalseCoordinator(bench) { [0xff, 0xff, 0xff] }
        let (code, report) = try await call(bench, server.port)
        await server.close()
        #expect(code == 1)
        #expect(report["coordinator"]?.found == "answers in another way than this version understands")
        #expect(report["clock"]?.state == "not_checked")
    }

    @Test func theModelOfTheRunIsComparedWithTheData() async throws {
        let bench = try await Workbench()
        let server = try await FalseCoordinator(bench, model: "mlp:784-128-10")
        let (code, report) = try await call(bench, server.port)
        await server.close()
        #expect(code == 1)
        #expect(report["model"]?.subject == "mlp:784-128-10")
        #expect(report["model"]?.found.contains("have 8 features and 3 classes, the model takes 784") == true)
    }

    /// One that answers, one where nobody listens, one where somebody else does, one without an address.
    @Test func everySiteIsDialledAndJudged() async throws {
        let bench = try await Workbench()
        let members = try (0..<4).map { _ in try FalseCoordinator.member(of: bench) }
        let sites = [try await FalseCoordinator(as: members[0]), try await FalseCoordinator(as: members[1])]
        let server = try await FalseCoordinator(
            bench,
            directory: [
                .init(party: members[0].id, addresses: ["127.0.0.1:9", "127.0.0.1:\(sites[0].port)"]),
                .init(party: members[2].id, addresses: ["127.0.0.1:9"]),
                .init(party: members[3].id, addresses: ["127.0.0.1:\(sites[1].port)"]),
                .init(party: members[1].id, addresses: []),
                // What is no address is passed over.
                .init(party: try FalseCoordinator.member(of: bench).id, addresses: ["nonsense", "host:99999"]),
            ])
        let (code, report) = try await call(bench, server.port)
        for each in sites + [server] { await each.close() }
        #expect(code == 1)
        let peers = Dictionary(
            uniqueKeysWithValues: report.checks.filter { $0.name == "peer" }.map { ($0.subject ?? "", $0) })
        #expect(peers.count == 5)
        let found = members.map { peers[String($0.id.hex.prefix(8))] }
        #expect(found[0]?.state == "ok")
        #expect(
            found[0]?.found.contains("direct at 127.0.0.1:\(sites[0].port)") == true, "\(String(describing: found))")
        #expect(found[0]?.found.hasSuffix("not on record here yet") == true)
        #expect(found[1]?.state == "warning")
        #expect(
            found[1]?.found.hasPrefix("no direct path from here: it tells no address; no relayed path either") == true)
        #expect(found[2]?.state == "warning")
        #expect(found[2]?.found.contains("Connection refused") == true)
        #expect(found[2]?.remedy?.hasPrefix("enough if it reaches this site") == true)
        #expect(found[3]?.state == "failed")
        #expect(found[3]?.found.contains("peer not accepted") == true)
    }

    /// What the last epoch did is on record, and said of a site that cannot be dialled.
    @Test func relaysOfTheLastEpochAreNamed() async throws {
        let bench = try await Workbench()
        let paths = try JSONDecoder().decode(
            PeerPaths.self, from: Data(#"{"direct":1,"proxied":0,"relayed":2}"#.utf8))
        try SiteStore(SiteDirectory(bench.path("site"))).set(.peerPaths, to: paths.encoded)
        let server = try await FalseCoordinator(
            bench, directory: [.init(party: try FalseCoordinator.member(of: bench).id, addresses: ["127.0.0.1:9"])])
        let (code, report) = try await call(bench, server.port)
        await server.close()
        #expect(code == 0, "\(report.failed)")
        #expect(report["peer"]?.state == "warning")
        #expect(
            report["peer"]?.found.hasSuffix("ways of the last epoch: 1 direct, 2 relayed by the coordinator") == true,
            "\(String(describing: report["peer"]))")
        #expect(report["peer"]?.remedy?.contains("let the coordinator relay") == true)
    }

    @Test func anotherFederationsCoordinatorIsNotTakenForOurs() async throws {
        let (bench, other) = (try await Workbench(), try await Workbench())
        let server = try await FalseCoordinator(other)
        let (code, report) = try await call(bench, server.port)
        await server.close()
        #expect(code == 1)
        #expect(report["coordinator"]?.state == "failed")
        #expect(report["coordinator"]?.found.contains("not of this federation's authority") == true)
    }

    /// A real proxy: scripts/connect_proxy.py.
    @Test func aProxyAnswersForItself() async throws {
        let bench = try await Workbench()
        let server = try await FalseCoordinator(bench)
        try bench.write("name:right", to: "right")
        try bench.write("name:wrong", to: "wrong")
        for name in ["right", "wrong"] { chmod(bench.path(name), 0o600) }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let log = bench.directory.appending(path: "proxy.log")
        let proxy = try RunningProgram(
            command: [
                "/usr/bin/env", "python3", root.appending(path: "scripts/connect_proxy.py").path, "--listen",
                "127.0.0.1:0", "--credentials-file", bench.path("right"),
            ], log: log)
        let isUp = await eventually(within: .seconds(60)) { proxy.output.contains("listening on port ") }
        try #require(isUp, "\(proxy.output)")
        let address = try "127.0.0.1:\(#require(proxy.output.firstMatch(of: /listening on port (\d+)/)).1)"

        let (code, right) = try await call(
            bench, server.port, ["--proxy", address, "--proxy-credentials", bench.path("right")])
        #expect(code == 0, "\(right.failed)")
        #expect(right["proxy"]?.state == "ok")
        #expect(right["proxy"]?.subject == address)
        #expect(right["coordinator"]?.found.contains("through the proxy at \(address)") == true)

        let (refused, wrong) = try await call(
            bench, server.port, ["--proxy", address, "--proxy-credentials", bench.path("wrong")])
        #expect(refused == 1)
        #expect(wrong["proxy"]?.state == "failed")
        #expect(wrong["proxy"]?.found.contains("does not accept the name and password given") == true)
        #expect(wrong["proxy"]?.remedy?.contains("--proxy-credentials") == true)

        let (_, none) = try await call(bench, server.port, ["--proxy", address])
        #expect(none["proxy"]?.found.contains("demands a name and a password") == true)

        let (_, far) = try await call(
            bench, 9, ["--proxy", address, "--proxy-credentials", bench.path("right")])
        #expect(far["proxy"]?.found.contains("status 504") == true, "\(far["proxy"]?.found ?? "")")
        await proxy.kill()

        let (_, gone) = try await call(
            bench, server.port, ["--proxy", address, "--proxy-credentials", bench.path("right")])
        #expect(gone["proxy"]?.state == "failed")
        #expect(gone["proxy"]?.found.contains("cannot connect to the proxy") == true)
        await server.close()
    }

    /// Real packets on loopback: the server announces itself, and the doctor finds it without an address.
    @Test func multicastIsTriedAndFindsTheCoordinator() async throws {
        let bench = try await Workbench()
        try FileManager.default.removeItem(atPath: bench.path("fed"))
        let name = "doctor-\(UInt32.random(in: 0 ... .max))"
        let made = try await bench.call("smpc-server", ["init", "--state", "@fed", "--federation", name])
        try #require(made.code == 0, "\(made.output)")
        let member = try FalseCoordinator.member(of: bench)
        for file in ["key.pem", "certificate.pem", "ca.pem"] {
            try FileManager.default.removeItem(atPath: bench.path("site/\(file)"))
        }
        try member.save(directory: bench.path("site"))
        let server = try bench.start(
            "smpc-server",
            [
                "run", "--state", "@fed", "--listen", "127.0.0.1:0", "--interface", "lo", "--port-file", "@port",
                "--model", "softmax:8-3",
            ])
        let isUp = await eventually(within: .seconds(60)) {
            FileManager.default.fileExists(atPath: bench.path("port"))
        }
        try #require(isUp, "\(server.output)")
        var report: DoctorReport?
        let deadline = ContinuousClock.now + .seconds(60)
        // It announces itself about a second after it is up.
        repeat {
            report = try await SiteDoctorTests.call(
                bench, ["--state", "@site", "--interface", "lo"] + SiteDoctorTests.data
            ).report
        } while report?["discovery"]?.state != "ok" && ContinuousClock.now < deadline
        await server.kill()
        #expect(report?["multicast"]?.state == "ok")
        #expect(report?["multicast"]?.subject == "lo IPv4")
        #expect(report?["discovery"]?.state == "ok")
        // The certificate is good, but nobody has enrolled this key: the server shows it out.
        #expect(report?["coordinator"]?.state == "failed")
        #expect(report?["coordinator"]?.found.contains("connection closed") == true, "\(String(describing: report))")
    }
}
