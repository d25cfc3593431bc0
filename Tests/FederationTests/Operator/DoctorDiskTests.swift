// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `doctor` on disks that are full, may only be read, or fail.
@Suite(.timeLimit(.minutes(10))) struct DoctorDiskTests {
    private static let hasStrace = FileManager.default.isExecutableFile(atPath: "/usr/bin/strace")
    private static let site = ["--state", "@site"] + SiteDoctorTests.nobody + SiteDoctorTests.data

    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func aSmallDiskAndAFullOneFail() async throws {
        let bench = try await Workbench()
        let disk = try await SmallDisk(over: bench.path("site"), kilobytes: 4_096)
        defer { disk.remove() }
        let (_, small) = try await SiteDoctorTests.call(bench, Self.site, prefix: disk.prefix)
        #expect(small["state"]?.state == "ok")
        #expect(small["disk_space"]?.state == "failed")
        #expect((small["disk_space"]?.figures?["free_bytes"]).map { $0 > 0 && $0 < 4_194_304 } == true)
        try disk.fill()
        let (code, full) = try await SiteDoctorTests.call(bench, Self.site, prefix: disk.prefix)
        #expect(code == 1)
        #expect(full["state"]?.state == "failed", "\(String(describing: full["state"]))")
        #expect(full["state"]?.found.contains("No space left") == true)
        #expect(full["state"]?.remedy == "make room on that disk")
        #expect(full["fsync"]?.state == "not_checked")
        #expect(full["disk_space"]?.figures?["free_bytes"] == 0)
        #expect(full["data"]?.state == "ok")
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs unshare and user namespaces"))
    func aDiskThatMayOnlyBeReadFails() async throws {
        let bench = try await Workbench()
        for program in ["smpc-client", "smpc-server"] {
            let state = program == "smpc-client" ? "site" : "fed"
            let disk = try await SmallDisk(over: bench.path(state), kilobytes: 16_384)
            defer { disk.remove() }
            try await disk.remount(readOnly: true)
            let arguments =
                program == "smpc-client"
                ? Self.site : ["--state", "@fed", "--listen", "127.0.0.1:0", "--discovery", "off"]
            let (code, report) = try await SiteDoctorTests.call(
                bench, arguments, program: program, prefix: disk.prefix)
            #expect(code == 1)
            #expect(report["state"]?.state == "failed")
            #expect(report["state"]?.found.contains("Read-only") == true, "\(String(describing: report["state"]))")
            #expect(report["record"]?.state == "failed")
            #expect(report["certificate"]?.state == "ok")
        }
    }

    @Test(.enabled(if: hasStrace, "needs strace")) func aFlushThatFailsIsNamed() async throws {
        let bench = try await Workbench()
        let failing = [
            "/usr/bin/strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync", "-e",
            "inject=fsync:error=EIO:when=2+",
        ]
        let (code, report) = try await SiteDoctorTests.call(bench, Self.site, prefix: failing)
        #expect(code == 1)
        #expect(report["state"]?.state == "ok")
        #expect(report["fsync"]?.state == "failed")
        #expect(report["fsync"]?.found.contains("Input/output error") == true)
        let left = try FileManager.default.contentsOfDirectory(atPath: bench.path("site"))
        #expect(!left.contains { $0.hasPrefix(".doctor") })
    }

    @Test(.enabled(if: hasStrace, "needs strace")) func aSlowDiskIsWarnedAbout() async throws {
        let bench = try await Workbench()
        let slow = [
            "/usr/bin/strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync", "-e",
            "inject=fsync:delay_enter=150000",
        ]
        let (_, report) = try await SiteDoctorTests.call(bench, Self.site, prefix: slow)
        #expect(report["fsync"]?.state == "warning")
        #expect((report["fsync"]?.figures?["median_ms"] ?? 0) >= 150)
    }
}
