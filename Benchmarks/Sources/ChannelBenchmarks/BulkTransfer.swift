// SPDX-License-Identifier: MIT

import CBlockingTLS
import Foundation
import NIOPosix
import Primitives
import Transport

/// Measures a stream of a connection against blocking OpenSSL sockets with the same cipher, taking turns.
///
/// Each has one connection for all of its transfers: the kernel paces an old one otherwise than a new one.
struct BulkTransfer {
    /// What is written at once, by either: 1 MiB, as the programs do.
    static let piece = TransportConfiguration.writeBytes

    /// Bytes per second, pair by pair.
    struct Rates {
        var own: [Double] = []
        var reference: [Double] = []
        /// The pairs that were measured again, since the host took processors from them.
        var disturbed = 0
    }

    /// The stolen time that a pair may have: one step of the kernel's account.
    private static let stolenSecondsMax = 0.01

    let federation: Federation
    let bytes: Int

    /// The rates of `repetitions` pairs.
    ///
    /// A transfer needs both processors at the same time, so a pair that the host disturbed says little of either program. It is
    /// measured again, whichever it slowed; where the host never rests, pairs count as they come after three times as many.
    func measure(repetitions: Int) async throws -> Rates {
        let server = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: federation.coordinator, group: server)
        let sender = try await dial(
            host: "127.0.0.1", port: listener.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name), group: client)
        guard let receiver = await listener.connections.first(where: { _ in true }) else {
            throw Federation.Impossible(what: "no connection was accepted")
        }
        let blocking = try connectBlocking()
        defer { blocking_tls_close(blocking) }
        // The first pair only warms up.
        _ = (try await transfer(from: sender, to: receiver), try transfer(over: blocking))
        var rates = Rates()
        while rates.own.count < repetitions {
            let before = try StolenTime.untilNow()
            let own = try await transfer(from: sender, to: receiver)
            let reference = try transfer(over: blocking)
            let stolen = try StolenTime.untilNow().seconds(since: before)
            if stolen > Self.stolenSecondsMax, rates.disturbed < 3 * repetitions {
                rates.disturbed += 1
                continue
            }
            rates.own.append(Double(bytes) / own)
            rates.reference.append(Double(bytes) / reference)
        }
        await sender.close()
        await listener.close()
        try await server.shutdownGracefully()
        try await client.shutdownGracefully()
        return rates
    }

    /// The seconds from the first write to the last byte read.
    private func transfer(from sender: Connection, to receiver: Connection) async throws -> Double {
        let began = ContinuousClock.now
        async let sending: Void = {
            let stream = try await sender.openStream(header: [])
            let bytes = [UInt8](repeating: 0, count: Self.piece)
            try await withTaskExecutorPreference(stream.executor) {
                for _ in 0..<(self.bytes / Self.piece) { try await stream.write(bytes) }
                try await stream.finish()
            }
        }()
        guard case .stream(let stream) = try await receiver.events.first(where: { _ in true }) else {
            throw Federation.Impossible(what: "no stream came")
        }
        stream.accept()
        var received = 0
        try await withTaskExecutorPreference(stream.executor) {
            for try await chunk in stream.chunks { received += chunk.count }
        }
        let took = ContinuousClock.now - began
        try await sending
        guard received == bytes else {
            throw Federation.Impossible(what: "\(received) of \(bytes) bytes came")
        }
        return took / .seconds(1)
    }

    private func connectBlocking() throws -> OpaquePointer {
        let key = String(decoding: try federation.coordinator.key.pem().exposedBytes(), as: UTF8.self)
        let connection = try federation.leaf(of: federation.coordinator).pem.withCString { certificate in
            key.withCString { key in blocking_tls_open(blocking_tls_identity(certificate: certificate, key: key)) }
        }
        guard let connection else { throw Federation.Impossible(what: "blocking sockets were not connected") }
        return connection
    }

    private func transfer(over connection: OpaquePointer) throws -> Double {
        let seconds = blocking_tls_transfer(connection, bytes, Self.piece)
        guard seconds > 0 else { throw Federation.Impossible(what: "blocking sockets failed") }
        return seconds
    }
}
