// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Primitives
import TLS
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct ListenerTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    @Test func takenPortIsNamed() async throws {
        let first = try await federation.listen()
        await #expect(throws: ListenerError.addressInUse(host: "127.0.0.1", port: first.port)) {
            try await Listener.bind(host: "127.0.0.1", port: first.port, identity: federation.coordinator)
        }
        await first.close()
        let again = try await Listener.bind(host: "127.0.0.1", port: first.port, identity: federation.coordinator)
        #expect(again.port == first.port)
        await again.close()
    }

    @Test func addressOfAnotherHostCannotBeBound() async throws {
        // RFC 5737: no host has it.
        let error = await #expect(throws: ListenerError.self) {
            try await Listener.bind(host: "192.0.2.1", port: 0, identity: federation.coordinator)
        }
        guard case .cannotBind("192.0.2.1", 0, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("assign"))
    }

    @Test func identityWithoutARoleCannotListen() async throws {
        let identity = TLSIdentity(
            certificateChainDER: [federation.authority.der], key: federation.key,
            trustAnchors: [federation.authority])
        await #expect(throws: ListenerError.identityWithoutRole(uris: [])) {
            try await Listener.bind(host: "127.0.0.1", port: 0, identity: identity)
        }
    }

    @Test func nobodyListeningIsUnreachable() async throws {
        let listener = try await federation.listen()
        let port = listener.port
        await listener.close()
        let error = await #expect(throws: ConnectionError.self) { try await federation.dial(listener) }
        guard case .unreachable("127.0.0.1", port, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("refused"))
    }

    @Test func peerThatIsNoTLSServerTimesOut() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        await #expect(throws: ConnectionError.timedOut(.milliseconds(200))) {
            try await dial(
                host: "127.0.0.1", port: port, identity: federation.party,
                expecting: .coordinator(federation: federation.name), timeout: .milliseconds(200))
        }
        try await server.close()
    }

    @Test func cancelledDialEnds() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let federation = federation
        let dialling = Task {
            try await dial(
                host: "127.0.0.1", port: port, identity: federation.party,
                expecting: .coordinator(federation: federation.name), timeout: .seconds(50))
        }
        dialling.cancel()
        await #expect(throws: CancellationError.self) { try await dialling.value }
        try await server.close()
    }

    @Test func namesAndBothFamiliesAreDialled() async throws {
        let four = try await federation.listen()
        // Where localhost is ::1 as well, nobody answers there: the other address is tried.
        let byName = try await dial(
            host: "localhost", port: four.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name))
        #expect(byName.remoteHost == "127.0.0.1")
        await byName.close()
        await four.close()
        guard let six = try? await Listener.bind(host: "::1", port: 0, identity: federation.coordinator) else {
            return  // This host has no IPv6.
        }
        let client = try await dial(
            host: "::1", port: six.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name))
        #expect(client.remoteAddress == "[::1]:\(six.port)")
        await client.close()
        await six.close()
    }

    @Test func nameWithoutAnAddressIsUnresolvable() async throws {
        await #expect(throws: ConnectionError.unresolvable(host: "no-such-host.invalid")) {
            try await dial(
                host: "no-such-host.invalid", port: 1, identity: federation.party,
                expecting: .coordinator(federation: federation.name))
        }
    }

    @Test func metersCountWhatIsOnTheSocketByPhase() async throws {
        let up = ByteMeter()
        let down = ByteMeter(phase: "all")
        let listener = try await federation.listen(meter: down)
        let (client, server) = try await federation.connect(listener, meter: up)
        _ = try await client.ping()
        let setup = try #require(up.snapshot()["setup"])
        #expect((1_000...6_000).contains(setup.up) && (1_000...6_000).contains(setup.down), "\(setup)")
        up.enter(phase: "upload")
        let payload: UInt64 = 5 << 20
        let outgoing = try await client.openStream(header: [])
        let incoming = try await server.stream()
        incoming.accept()
        async let writing: Void = {
            try await outgoing.write([UInt8](repeating: 1, count: Int(payload)))
            try await outgoing.finish()
        }()
        for try await _ in incoming.chunks {}
        try await writing
        up.enter(phase: "rest")
        let upload = try #require(up.snapshot()["upload"])
        // A record of 16 KiB costs 22 bytes, a chunk 9.
        #expect((payload + payload / 1_000...payload + payload / 500).contains(upload.up), "\(upload)")
        #expect((1...10_000).contains(upload.down))
        await client.close()
        await server.close()
        #expect(try await eventually { up.total.up == down.total.down && up.total.down == down.total.up })
        #expect(down.snapshot().keys.sorted() == ["all"])
        await listener.close()
    }
}
