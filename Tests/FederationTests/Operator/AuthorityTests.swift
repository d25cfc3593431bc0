// SPDX-License-Identifier: MIT

import Foundation
import Programs
import Testing

/// `smpc-server authority` and `passphrase` as an operator calls them.
@Suite(.timeLimit(.minutes(10))) struct AuthorityTests {
    @Test func oneChangeOfTheAuthorityAtATime() async throws {
        let bench = try await Workbench()
        try bench.write("a passphrase\n", to: "new")
        let changes = [
            ["authority", "roll", "--state", "@fed"], ["authority", "retire", "--state", "@fed"],
            ["passphrase", "--state", "@fed", "--new-passphrase-file", "@new"],
        ]
        let held = try StateLock(directory: bench.path("fed"), for: .authority)
        for change in changes {
            let refused = try await bench.call("smpc-server", change)
            #expect(refused.code == 1)
            #expect(
                refused.output.contains("in use by process \(getpid()); it changes the authority"), "\(refused.output)")
        }
        _ = consume held
        for change in changes {
            let done = try await bench.call("smpc-server", change)
            #expect(done.code == 0, "\(change): \(done.output)")
        }
    }

    @Test func aRollKeepsTheKeyEncrypted() async throws {
        let bench = try await Workbench()
        try bench.write("a passphrase\n", to: "new")
        let set = try await bench.call(
            "smpc-server", ["passphrase", "--state", "@fed", "--new-passphrase-file", "@new"])
        #expect(set.code == 0, "\(set.output)")
        let before = try Data(contentsOf: URL(filePath: bench.path("fed/ca-key.pem")))
        let locked = try await bench.call("smpc-server", ["authority", "roll", "--state", "@fed"])
        #expect(locked.code != 0 && locked.output.contains("--ca-passphrase-file"), "\(locked.output)")
        #expect(try Data(contentsOf: URL(filePath: bench.path("fed/ca-key.pem"))) == before)
        let rolled = try await bench.call(
            "smpc-server", ["authority", "roll", "--state", "@fed", "--ca-passphrase-file", "@new"])
        #expect(rolled.code == 0, "\(rolled.output)")
        let after = try Data(contentsOf: URL(filePath: bench.path("fed/ca-key.pem")))
        #expect(after != before)
        #expect(String(decoding: after, as: UTF8.self).hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        #expect(!FileManager.default.fileExists(atPath: bench.path("fed/ca-key.new.pem")))
    }
}
