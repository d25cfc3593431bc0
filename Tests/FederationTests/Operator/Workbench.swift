// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Testing

@testable import SMPCClient

/// A directory with a federation and a site in it, in which programs are called as an operator calls them.
final class Workbench {
    /// How a program answered: its exit code, and what it printed on both outputs.
    struct Answer {
        let code: Int32?
        let output: String

        var lines: [Substring] { output.split(separator: "\n") }
    }

    let directory: URL

    /// Makes the federation `test` in `fed` and the site `site`, whose certificate was issued at `joinedAt`.
    init(joinedAt: Int64 = Int64(Date.now.timeIntervalSince1970)) async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "workbench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let made = try await call("smpc-server", ["init", "--state", "@fed", "--federation", "test"])
        try #require(made.code == 0, "\(made.output)")
        let authority = try CertificateAuthority.load(directory: path("fed"))
        let key = try SigningKey.generate()
        let site = SiteDirectory(path("site"))
        try PartyIdentity(
            key: key,
            certificate: authority.issueParty(publicKey: key.publicKey, name: "site", now: joinedAt),
            authority: authority.certificate
        ).save(directory: site.path)
        _ = try SiteStore(creating: site)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appending(path: name).path }

    func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

    func write(_ bytes: Data, to name: String) throws {
        let url = directory.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: url)
    }

    /// Calls a program to its end; `@` at the beginning of an argument stands for this directory.
    func call(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        within limit: Duration = .seconds(60), prefix: [String] = []
    ) async throws -> Answer {
        let running = try start(program, arguments, environment: environment, prefix: prefix)
        let code = await running.end(within: limit)
        if code == nil { await running.kill() }
        return Answer(code: code, output: running.output.replacing("\(directory.path)/", with: "@"))
    }

    /// Starts a program.
    func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], prefix: [String] = []
    ) throws -> RunningProgram {
        try RunningProgram(
            program, arguments.map { $0.hasPrefix("@") ? path(String($0.dropFirst())) : $0 },
            log: directory.appending(path: "\(UUID().uuidString).log"), prefix: prefix, environment: environment)
    }
}
