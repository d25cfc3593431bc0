// SPDX-License-Identifier: MIT

import FoundationEssentials
import Glibc
import Identity
import Primitives
import Testing

@testable import Programs

/// Checks of this machine alone, with real files where there can be any.
@Suite struct LocalCheckTests {
    @Test func flushesAreMeasuredAndNothingRemains() throws {
        try withDirectory { directory in
            let checks = FlushCheck.run(directory: directory)
            #expect(checks.map(\.name) == [.state, .fsync])
            #expect(checks[0].state == .ok)
            #expect((checks[1].figures["median_ms"] ?? 0) > 0)
            #expect((checks[1].figures["slowest_ms"] ?? 0) >= (checks[1].figures["median_ms"] ?? .infinity))
            let left = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(left.isEmpty)
        }
    }

    @Test func slowFlushesAreWarnedAbout() {
        #expect(FlushCheck.judge([.milliseconds(1), .milliseconds(100), .seconds(2)]).state == .ok)
        let slow = FlushCheck.judge([.milliseconds(1), .milliseconds(101), .milliseconds(300)])
        #expect(slow.state == .warning)
        #expect(slow.found.contains("the limit is 100 ms"))
        #expect(slow.figures == ["median_ms": 101, "slowest_ms": 300])
    }

    @Test func aDirectoryThatIsNotThereFails() {
        let checks = FlushCheck.run(directory: "/nonexistent/state")
        #expect(checks.map(\.state) == [.failed, .notChecked])
        #expect(checks[0].found.contains("No such file"))
    }

    @Test func roomIsComparedWithWhatIsNeeded() throws {
        func state(free: Int, files: Int? = nil) -> Check.State {
            DiskSpaceCheck.judge(free: free, files: files, needed: 1000, for: "a test").state
        }
        #expect([999, 1000, 1999, 2000].map { state(free: $0) } == [.failed, .warning, .warning, .ok])
        #expect(state(free: 5000, files: 63) == .failed)
        #expect(state(free: 5000, files: 64) == .ok)
        try withDirectory { directory in
            let check = DiskSpaceCheck.run(directory: directory, needed: .max, for: "a test")
            #expect(check.state == .failed)
            #expect((check.figures["free_bytes"] ?? 0) > 0)
        }
    }

    @Test func keysThatOthersCanReadAreAFailure() throws {
        try withDirectory { directory in
            let (key, other) = ("\(directory)/key.pem", "\(directory)/other.pem")
            #expect(KeyFileCheck.run([key]).state == .notChecked)
            try PrivateFile.write("secret", to: key)
            #expect(KeyFileCheck.run([key, other]).state == .ok)
            for mode: mode_t in [0o604, 0o640, 0o620, 0o602] {
                chmod(key, mode)
                let check = KeyFileCheck.run([other, key])
                #expect(check.state == .failed)
                #expect(check.found.contains("mode \(String(mode, radix: 8))"))
                #expect(check.remedy?.hasPrefix("chmod 600 \(key)") == true)
            }
        }
    }

    @Test func whoeverHoldsTheStateIsNamedAndKeepsIt() throws {
        try withDirectory { directory in
            let free = "no run is going on with this state directory"
            #expect(HolderCheck.run(directory: directory).found == free)
            let lock = try StateLock(directory: directory)
            #expect(HolderCheck.run(directory: directory).found.hasPrefix("process \(getpid()) runs with"))
            #expect(throws: ProgramError.self) { try StateLock(directory: directory) }
            _ = consume lock
            // The number of the last holder is still there.
            #expect(HolderCheck.run(directory: directory).found == free)
            _ = try StateLock(directory: directory)
        }
    }

    @Test func anotherUseOfTheStateIsNoRun() throws {
        try withDirectory { directory in
            let lock = try StateLock(directory: directory, for: .authority)
            #expect(StateLock.holder(of: directory) == nil)
            withExtendedLifetime(lock) {}
        }
    }

    @Test func certificatesAreJudgedByTheirDates() throws {
        let name = try #require(FederationName("test"))
        let issued: Int64 = 1_700_000_000
        let authority = try CertificateAuthority.create(federation: name, now: issued)
        let key = try SigningKey.generate()
        let certificate = try authority.issueParty(publicKey: key.publicKey, name: "site", now: issued)
        let end = issued + CertificateAuthority.leafValiditySeconds
        func check(at now: Int64) -> Check {
            CertificateChecks.dates(.certificate, of: certificate, now: now, renewal: "join anew")
        }
        #expect(check(at: issued).state == .ok)
        #expect(check(at: issued - 3_601).state == .failed)
        #expect(check(at: issued - 3_601).remedy == "set the clock of this machine")
        #expect(check(at: end - 30 * 86_400).state == .ok)
        #expect(check(at: end - 30 * 86_400 + 1).state == .warning)
        #expect(check(at: end - 30 * 86_400 + 1).figures == ["days_left": 29])
        #expect(check(at: end).state == .warning)
        #expect(check(at: end + 1).state == .failed)
        #expect(check(at: end + 1).remedy == "if the clock is right, join anew")
    }

    @Test(arguments: [
        (0.0, Check.State.ok), (60, .ok), (-60, .ok), (61, .warning), (-61, .warning), (3_600, .warning),
        (3_601, .failed), (-3_601, .failed),
    ])
    func clocksMayDifferByAMinute(seconds: Double, state: Check.State) {
        let now: Int64 = 1_790_000_000_000
        let check = ClockCheck.run(theirs: now - Int64(seconds * 1000), ours: now, window: .zero)
        #expect(check.state == state)
        #expect(check.figures["ahead_s"] == seconds)
        #expect(check.found.contains(seconds < 0 ? "behind the" : "ahead of the"))
    }

    @Test func aSlowAnswerMakesTheClockUncertain() {
        let check = ClockCheck.run(theirs: 1_000_000, ours: 1_004_000, window: .seconds(4))
        #expect(check.figures == ["ahead_s": 2, "uncertainty_s": 2])
    }
}
