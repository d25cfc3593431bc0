// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// A link that breaks again and again, with a sender that dials again and sends anew what was not confirmed.
@Suite(.timeLimit(.minutes(2))) struct BrokenLinkTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// What a stream carries: its number tells every byte of it.
    private static func bytes(_ number: UInt8) -> [UInt8] {
        (0..<(300_000 + 1_000 * Int(number))).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(number)) }
    }

    /// A stream counts when its trailer is there. Whatever byte the link breaks at, what counts is whole, and each is
    /// counted once.
    @Test func noByteIsLostOrDoubled() async throws {
        let listener = try await federation.listen()
        // Where the first connections break, in bytes from the sender: in the handshake, in the first frames, in a stream.
        let cuts = [700, 1_500, 2_000, 66_000, 130_000, 299_000, 310_000, 640_000, 900_001]
        let link = try await BreakingLink(to: listener.port, breakingAfter: cuts)
        let received = NIOLockedValueBox<[UInt8: Int]>([:])
        let receiving = Task {
            for await connection in listener.connections { Task { await Self.receive(connection, received) } }
        }
        var next: UInt8 = 0
        var dials = 0
        while next < 6 {
            dials += 1
            try #require(dials < 100, "the link has ceased to break by then")
            guard let connection = try? await dialThrough(link) else { continue }
            while next < 6, (try? await Self.send(next, on: connection)) != nil { next += 1 }
            await connection.close()
        }
        #expect(dials > cuts.count / 2, "the link broke")
        #expect(received.withLockedValue { $0 } == Dictionary(uniqueKeysWithValues: (0..<6).map { ($0, 1) }))
        receiving.cancel()
        await link.close()
        await listener.close()
    }

    private func dialThrough(_ link: BreakingLink) async throws -> Connection {
        try await Transport.dial(
            host: "127.0.0.1", port: link.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name))
    }

    /// Sends one stream and waits for its confirmation.
    private static func send(_ number: UInt8, on connection: Connection) async throws {
        let stream = try await connection.openStream(header: [number])
        do {
            try await stream.write(bytes(number))
            try await stream.finish(trailer: [number])
        } catch is StreamRefused {
            // It is held already: the confirmation was lost.
            return
        }
        guard try await connection.message() == [number] else { throw ConnectionError.streamNotEnded }
    }

    private static func receive(_ connection: Connection, _ received: NIOLockedValueBox<[UInt8: Int]>) async {
        do {
            for try await case .stream(let stream) in connection.events {
                let number = stream.header[0]
                guard received.withLockedValue({ $0[number] }) == nil else {
                    stream.refuse(1)
                    continue
                }
                stream.accept()
                var all: [UInt8] = []
                for try await chunk in stream.chunks { all += chunk }
                #expect(try stream.trailer() == [number])
                #expect(all == bytes(number), "what has a trailer is whole")
                received.withLockedValue { $0[number, default: 0] += 1 }
                try await connection.send([number])
            }
        } catch {
            // The link broke, and the sender comes back.
            #expect(error is ConnectionError || error is StreamReset)
        }
    }
}
