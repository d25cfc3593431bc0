// SPDX-License-Identifier: MIT

import Foundation
import NIOPosix
import Primitives
import Transport

/// Counts full mutual handshakes, one after another, against `openssl s_time` with `openssl s_server`.
struct Handshakes {
    let federation: Federation
    let seconds: Int

    /// Handshakes per second of both, of `repetitions` each, taking turns.
    func measure(repetitions: Int) async throws -> (own: [Double], reference: [Double]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "summand-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, identity) in [("server", federation.coordinator), ("client", federation.party)] {
            try federation.leaf(of: identity).pem
                .write(to: folder.appending(path: "\(name).pem"), atomically: true, encoding: .utf8)
            try Data(identity.key.pem().exposedBytes()).write(to: folder.appending(path: "\(name).key"))
        }
        try federation.authority.pem.write(to: folder.appending(path: "ca.pem"), atomically: true, encoding: .utf8)
        var own: [Double] = []
        var reference: [Double] = []
        for _ in 0..<repetitions {
            own.append(try await ours())
            reference.append(try await openSSLs(folder))
        }
        return (own, reference)
    }

    /// Each handshake counts when the server has accepted the client and said so.
    private func ours() async throws -> Double {
        let server = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: federation.coordinator, group: server)
        let accepting = Task { for await _ in listener.connections {} }
        let began = ContinuousClock.now
        var count = 0
        while ContinuousClock.now - began < .seconds(seconds) {
            let connection = try await dial(
                host: "127.0.0.1", port: listener.port, identity: federation.party,
                expecting: .coordinator(federation: federation.name), group: client)
            // As s_time does, it does not wait until the other side has closed too.
            Task { await connection.close() }
            count += 1
        }
        let took = (ContinuousClock.now - began) / .seconds(1)
        await listener.close()
        _ = await accepting.result
        try await server.shutdownGracefully()
        try await client.shutdownGracefully()
        return Double(count) / took
    }

    private func openSSLs(_ folder: URL) async throws -> Double {
        let port = try await freePort()
        // The suite that a connection of ours agrees on.
        let common = ["-CAfile", "ca.pem", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]
        let server = Self.openssl(
            ["s_server", "-accept", "127.0.0.1:\(port)", "-tls1_3", "-cert", "server.pem", "-key", "server.key"]
                + ["-Verify", "2", "-verify_return_error", "-num_tickets", "0", "-quiet"] + common, folder)
        // It would end with its input.
        let input = Pipe()
        server.standardInput = input
        try server.run()
        defer {
            // A child inherits the signals that threads of the pool block, SIGTERM among them.
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        try await waitUntilListening(port)
        let client = Self.openssl(
            ["s_time", "-connect", "127.0.0.1:\(port)", "-new", "-tls1_3", "-time", "\(seconds)"]
                + ["-cert", "client.pem", "-key", "client.key", "-verify", "2"] + common, folder)
        let output = Pipe()
        client.standardOutput = output
        let began = ContinuousClock.now
        try client.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        client.waitUntilExit()
        let took = (ContinuousClock.now - began) / .seconds(1)
        // "123 connections in 4 real seconds, 0 bytes read per connection": its seconds are whole ones, ours are not.
        guard let match = text.firstMatch(of: /(\d+) connections in \d+ real seconds/), let count = Double(match.1),
            count > 0
        else { throw Federation.Impossible(what: "s_time counted no connection: \(text)") }
        return count / took
    }

    private static func openssl(_ arguments: [String], _ folder: URL) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = folder
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }

    /// A port that was free a moment ago.
    private func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        defer { channel.close(promise: nil) }
        return channel.localAddress?.port ?? 0
    }

    private func waitUntilListening(_ port: Int) async throws {
        for _ in 0..<3_000 {
            let attempt = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            if let attempt { return try await attempt.close() }
            // Another program's start, which offers nothing to wait on.
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Federation.Impossible(what: "s_server does not listen")
    }
}
