// SPDX-License-Identifier: MIT

import Identity
import NIOCore
import Primitives
import TLS
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    @Test func bothEndsKnowEachOther() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        #expect(client.peer?.role == .coordinator)
        #expect(client.peer?.federation == federation.name)
        #expect(client.peerChain.last == federation.authority)
        let key = federation.party.key.publicKey
        #expect(server.peer?.role == .party(PartyID(publicKey: key)))
        #expect(server.peer?.spkiHash == key.spkiHash)
        #expect(server.remoteHost == "127.0.0.1")
        #expect(client.remoteAddress == "127.0.0.1:\(listener.port)")
        #expect(listener.counters.snapshot.accepted == 1)
        await client.close()
        await listener.close()
    }

    @Test func noDelayIsAnOptionOfTCP() {
        let option: ChannelOptions.Types.SocketOption = .noDelay
        #expect(option == ChannelOptions.Types.SocketOption(level: .tcp, name: .tcp_nodelay))
    }

    @Test func messagesArriveInOrderInBothDirections() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        let long = SecureRandom.bytes(1 << 20)
        for message in [[], [1], long] as [[UInt8]] {
            try await client.send(message)
            try await server.send(message)
        }
        for message in [[], [1], long] as [[UInt8]] {
            #expect(try await server.message() == message)
            #expect(try await client.message() == message)
        }
        await client.close()
        await listener.close()
    }

    @Test func closeIsAnEndAndSaysWhy() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        try await client.send([1])
        await client.close(reason: .shutdown)
        var received = 0
        for try await _ in server.events { received += 1 }
        #expect(received == 1)
        #expect(server.end == .closed(.shutdown) && client.end == .closed(.shutdown))
        await #expect(throws: ConnectionError.closed(.shutdown)) { try await server.send([2]) }
        await #expect(throws: ConnectionError.closed(.shutdown)) { try await client.send([2]) }
        await server.close()
        await client.close()
        await listener.close()
    }

    @Test func exportedKeyingMaterialAgrees() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        let mine = try await client.exporter(label: "EXPORTER-summand", context: [1], count: 32)
        #expect(try await server.exporter(label: "EXPORTER-summand", context: [1], count: 32) == mine)
        await client.close()
        await listener.close()
    }

    /// Whoever connects again and again would otherwise fill the memory.
    @Test func aConnectionThatHasEndedIsFreed() async throws {
        let listener = try await federation.listen()
        var pair: (client: Connection, server: Connection)? = try await federation.connect(listener)
        weak let client = pair?.client
        weak let server = pair?.server
        #expect(client != nil && server != nil)
        await pair?.client.close()
        pair = nil
        #expect(try await eventually { client == nil && server == nil })
        await listener.close()
    }
}
