// SPDX-License-Identifier: MIT

import Foundation
import NIOPosix
import Primitives
import Transport

/// Counts full mutual handshakes of one client with one server, against `openssl s_time` with `openssl s_server`.
///
/// A handshake of ours is over when the server has judged the client's certificate and said so; one of `s_time` when the
/// client has sent its last, so that the next begins while the server still judges. Hence two ways to count ours: two under
/// way, which lets both programs work at the same time as theirs do, and one after another.
struct Handshakes {
    /// Handshakes per second, repetition by repetition.
    struct Rates {
        var overlapping: [Double] = []
        var consecutive: [Double] = []
        var reference: [Double] = []
    }

    let federation: Federation
    let seconds: Int

    /// All rates, of `repetitions` each, taking turns.
    func measure(repetitions: Int) async throws -> Rates {
        let folder = FileManager.default.temporaryDirectory.appending(path: "summand-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, identity) in [("server", federation.coordinator), ("client", federation.party)] {
            try federation.leaf(of: identity).pem
                .write(to: folder.appending(path: "\(name).pem"), atomically: true, encoding: .utf8)
            try Data(identity.key.pem().exposedBytes()).write(to: folder.appending(path: "\(name).key"))
        }
        try federation.authority.pem.write(to: folder.appending(path: "ca.pem"), atomically: true, encoding: .utf8)
        var rates = Rates()
        for _ in 0..<repetitions {
            rates.overlapping.append(try await ours(underWay: 2))
            rates.reference.append(try await openSSLs(folder))
            rates.consecutive.append(try await ours(underWay: 1))
        }
        return rates
    }

    /// Each handshake counts when the server has accepted the client and said so.
    private func ours(underWay: Int) async throws -> Double {
        let server = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: federation.coordinator, group: server)
        let accepting = Task { for await _ in listener.connections {} }
        let began = ContinuousClock.now
        let end = began + .seconds(seconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<underWay {
                group.addTask { try await dialAgain(until: end, port: listener.port, group: client) }
            }
            return try await group.reduce(0, +)
        }
        let took = (ContinuousClock.now - began) / .seconds(1)
        await listener.close()
        _ = await accepting.result
        try await server.shutdownGracefully()
        try await client.shutdownGracefully()
        return Double(count) / took
    }

    /// Dials one connection after another; returns how many were accepted.
    private func dialAgain(
        until end: ContinuousClock.Instant, port: Int, group: MultiThreadedEventLoopGroup
    ) async throws -> Int {
        var count = 0
        while ContinuousClock.now < end {
            let connection = try await dial(
                host: "127.0.0.1", port: port, identity: federation.party,
                expecting: .coordinator(federation: federation.name), group: group)
            // As s_time does, it does not wait until the other side has closed too.
            Task { await connection.close() }
            count += 1
        }
        return count
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
