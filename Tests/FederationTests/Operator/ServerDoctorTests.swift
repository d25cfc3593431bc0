// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Programs
import Testing
import Transport

@testable import SMPCServer

/// `smpc-server doctor` as an operator calls it.
@Suite(.timeLimit(.minutes(10))) struct ServerDoctorTests {
    private func call(
        _ bench: Workbench, _ arguments: [String] = [], listen: String = "127.0.0.1:0", prefix: [String] = []
    ) async throws -> (code: Int32?, report: DoctorReport) {
        try await SiteDoctorTests.call(
            bench, ["--state", "@fed", "--listen", listen, "--discovery", "off"] + arguments, program: "smpc-server",
            prefix: prefix)
    }

    @Test func aFederationThatWasJustMadeIsWell() async throws {
        let bench = try await Workbench()
        let (code, report) = try await call(bench)
        #expect(code == 0, "\(report.failed)")
        #expect(report["record"]?.state == "warning")
        #expect(report["record"]?.remedy?.hasPrefix("invite more") == true)
        for name in [
            "disk_space", "in_use", "keys", "open_files", "certificate", "authority", "authority_key", "clock",
            "listen",
        ] {
            #expect(report[name]?.state == "ok", "\(name): \(report[name]?.found ?? "")")
        }
    }

    @Test func aDirectoryWithoutAFederationIsAMistake() async throws {
        let bench = try await Workbench()
        let answer = try await bench.call("smpc-server", ["doctor", "--state", "@none"])
        #expect(answer.code == 64)
        #expect(answer.output.contains("@none: no federation lies here; make it with smpc-server init"))
        let (code, report) = try await SiteDoctorTests.call(
            bench, ["--state", "@site", "--listen", "127.0.0.1:0", "--discovery", "off"], program: "smpc-server")
        #expect(code == 1)
        #expect(report["certificate"]?.found == "is that of a site, not of a server")
        let made = FileManager.default.fileExists(atPath: bench.path("site/federation.sqlite"))
        #expect(!made, "nothing is made in a directory that is no server's")
    }

    @Test func aPortThatSomebodyElseHasFails() async throws {
        let (bench, other) = (try await Workbench(), try await Workbench())
        let stranger = try await FalseCoordinator(other)
        let (code, report) = try await call(bench, listen: "127.0.0.1:\(stranger.port)")
        await stranger.close()
        #expect(code == 1)
        #expect(report["listen"]?.state == "failed")
        #expect(report["listen"]?.found.hasPrefix("taken by another program") == true)
        let (_, free) = try await call(bench, listen: "127.0.0.1:\(stranger.port)")
        #expect(free["listen"]?.found == "the port is free")
        let (_, far) = try await call(bench, listen: "192.0.2.1:7443")
        #expect(far["listen"]?.state == "failed")
        #expect(far["listen"]?.found.contains("Cannot assign requested address") == true)
    }

    @Test func tooFewOpenFilesFail() async throws {
        let bench = try await Workbench()
        let (code, report) = try await call(
            bench, ["--cohort", "500"], prefix: ["/bin/sh", "-c", "ulimit -n 1000 && exec \"$0\" \"$@\""])
        #expect(code == 1)
        #expect(report["open_files"]?.state == "failed")
        #expect(report["open_files"]?.figures == ["limit": 1000, "needed": 2064])
        let (_, few) = try await call(
            bench, ["--cohort", "200"], prefix: ["/bin/sh", "-c", "ulimit -n 1000 && exec \"$0\" \"$@\""])
        #expect(few["open_files"]?.state == "ok")
    }

    @Test func aClockThatWentBackFails() async throws {
        let bench = try await Workbench()
        let later = Date.now + 3_600
        try FileManager.default.setAttributes(
            [.modificationDate: later], ofItemAtPath: bench.path("fed/certificate.pem"))
        let (code, report) = try await call(bench)
        #expect(code == 1)
        #expect(report["clock"]?.state == "failed")
        #expect((report["clock"]?.figures?["behind_s"]).map { (3_400...3_600).contains($0) } == true)
        #expect(OwnClockCheck.judge(now: 1000, newest: 1060, begin: 0).state == .ok)
        #expect(OwnClockCheck.judge(now: 1000, newest: 1061, begin: 0).state == .failed)
        #expect(OwnClockCheck.judge(now: 1000, newest: nil, begin: 1001).state == .failed)
    }

    /// Made anew in the past, by the same code that `init` runs.
    @Test func anAuthorityThatHasExpiredFails() async throws {
        let bench = try await Workbench()
        let then = Int64(Date.now.timeIntervalSince1970) - 11 * 366 * 86_400
        let name = try #require(FederationName("test"))
        let authority = try CertificateAuthority.create(federation: name, now: then)
        try authority.save(directory: bench.path("fed"))
        let key = try SigningKey.generate()
        try PartyIdentity(
            key: key, certificate: authority.issueCoordinator(publicKey: key.publicKey, now: then),
            authority: authority.certificate
        ).save(directory: bench.path("fed"))
        let before = FileManager.default.contents(atPath: bench.path("fed/certificate.pem"))
        let (code, report) = try await call(bench)
        #expect(code == 1)
        #expect(report["authority"]?.state == "failed")
        #expect(report["authority"]?.remedy?.contains("smpc-server init") == true)
        #expect(report["certificate"]?.state == "failed")
        #expect(report["certificate"]?.remedy?.hasSuffix("start the server again: it renews it") == true)
        #expect(FileManager.default.contents(atPath: bench.path("fed/certificate.pem")) == before)
    }

    @Test func roomForTheModelIsComputed() async throws {
        let bench = try await Workbench()
        let (_, report) = try await call(bench, ["--model", "softmax:99-10", "--rounds-per-epoch", "3"])
        // 1000 parameters; six rounds and two vectors more of 8 bytes, six of 4; and 64 MiB.
        #expect(report["disk_space"]?.figures?["needed_bytes"] == 67_196_864)
        let (code, large) = try await call(bench, ["--model", "mlp:100000-1000-10", "--rounds-per-epoch", "1000000"])
        #expect(code == 1)
        #expect(large["disk_space"]?.state == "failed")
    }
}
