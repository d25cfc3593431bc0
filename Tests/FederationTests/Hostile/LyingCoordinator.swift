// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Programs
import Synchronization
import Transport

@testable import SMPCClient
@testable import SMPCServer

/// Stands between one site and the true server with the coordinator's own key, and changes what the site hears.
///
/// Only the coordinator can do that: it is what a site has to expect of it.
final class LyingCoordinator: Sendable {
    /// What passes towards the site.
    enum Passing: Sendable {
        case message(ControlMessage)
        case vector(StreamHeader, [UInt8], trailer: [UInt8])
    }

    typealias Lie = @Sendable (Passing, SigningKey) throws -> [Passing]

    let port: Int
    private let listener: Listener
    private let coordinator: PartyIdentity
    private let site: PartyIdentity
    private let serverPort: Int
    private let lie: Lie
    /// What the site said, by name of the message.
    private let heard = Mutex<[ControlMessage]>([])

    init(_ server: TestServer, port: Int, site: TestSite, _ lie: @escaping Lie) async throws {
        coordinator = try server.state.identity()
        self.site = try PartyIdentity.load(directory: site.directory.path)
        serverPort = port
        self.lie = lie
        listener = try await Listener.bind(host: "127.0.0.1", port: 0, identity: coordinator.tlsIdentity)
        self.port = listener.port
    }

    /// What the site has said so far.
    var answers: [ControlMessage] { heard.withLock { $0 } }

    /// Serves the site until the task is cancelled.
    func serve() async {
        for await connection in listener.connections { await relay(connection) }
        await listener.close()
    }

    private func relay(_ connection: Connection) async {
        guard
            let server = try? await dial(
                host: "127.0.0.1", port: serverPort, identity: site.tlsIdentity,
                expecting: .coordinator(federation: site.federation))
        else { return await connection.close() }
        await withTaskGroup { group in
            group.addTask { try? await self.passUp(connection, server) }
            group.addTask { try? await self.passDown(server, connection) }
            await group.next()
            await server.close()
            await connection.close()
        }
    }

    private func passUp(_ connection: Connection, _ server: Connection) async throws {
        for try await event in connection.events {
            switch event {
            case .message(let bytes):
                let message = try ControlMessage(encoded: bytes)
                heard.withLock { $0.append(message) }
                try await server.send(bytes)
            case .stream(let stream):
                let (bytes, trailer) = try await Self.receive(stream)
                // The server may refuse what the site sends again.
                Task { try await Self.send(stream.header, bytes, trailer, to: server) }
            }
        }
    }

    private func passDown(_ server: Connection, _ connection: Connection) async throws {
        for try await event in server.events {
            let passing: Passing
            switch event {
            case .message(let bytes): passing = .message(try ControlMessage(encoded: bytes))
            case .stream(let stream):
                let (bytes, trailer) = try await Self.receive(stream)
                passing = .vector(try StreamHeader(encoded: stream.header), bytes, trailer: trailer)
            }
            for item in try lie(passing, coordinator.key) {
                switch item {
                case .message(let message): try await connection.send(message.encoded())
                case .vector(let header, let bytes, let trailer):
                    try await Self.send(header.encoded(), bytes, trailer, to: connection)
                }
            }
        }
    }

    private static func receive(_ stream: IncomingStream) async throws -> (bytes: [UInt8], trailer: [UInt8]) {
        stream.accept()
        var bytes: [UInt8] = []
        for try await chunk in stream.chunks { bytes += chunk }
        return (bytes, try stream.trailer())
    }

    private static func send(
        _ header: [UInt8], _ bytes: [UInt8], _ trailer: [UInt8], to connection: Connection
    ) async throws {
        let stream = try await connection.openStream(header: header)
        try await stream.write(bytes)
        try await stream.finish(trailer: trailer)
    }
}
