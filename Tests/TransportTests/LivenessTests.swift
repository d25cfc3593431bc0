// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct LivenessTests {
    private static let silenceMax = Duration.seconds(8)
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// Faster than in the field, and slow enough for a machine that does five other things.
    private var hasty: TransportConfiguration {
        var configuration = TransportConfiguration()
        configuration.pingInterval = .milliseconds(100)
        configuration.silenceMax = Self.silenceMax
        return configuration
    }

    @Test func pingIsAnsweredAndRemembered() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        let began = ContinuousClock.now
        let took = try await client.ping()
        let last = try #require(client.lastPong)
        #expect(last > began && took <= ContinuousClock.now - began)
        #expect(client.roundTrip != nil)
        await client.close()
        await #expect(throws: ConnectionError.closed(.done)) { try await client.ping() }
        _ = server
        await listener.close()
    }

    @Test func pingsGoOutByThemselves() async throws {
        let listener = try await federation.listen(configuration: hasty)
        let (client, server) = try await federation.connect(listener, configuration: hasty)
        let first = try #require(try await eventually { server.lastPong != nil } ? server.lastPong : nil)
        #expect(try await eventually { (server.lastPong ?? first) > first })
        await client.close()
        await listener.close()
    }

    @Test func silentPeerIsLost() async throws {
        let listener = try await federation.listen(configuration: hasty)
        let client = try await RawClient(federation, listener)
        try await client.sendWelcome()
        let server = try await listener.accept()
        let lost = ConnectionError.lost(silence: Self.silenceMax)
        await #expect(throws: lost) { for try await _ in server.events {} }
        await #expect(throws: lost) { try await server.send([1]) }
        #expect(listener.counters.snapshot.lost == 1)
        await client.close()
        await listener.close()
    }

    @Test func pingWaitsUntilThePeerIsLost() async throws {
        let listener = try await federation.listen(configuration: hasty)
        let client = try await RawClient(federation, listener)
        try await client.sendWelcome()
        let server = try await listener.accept()
        await #expect(throws: ConnectionError.lost(silence: Self.silenceMax)) { try await server.ping() }
        await client.close()
        await listener.close()
    }

    /// A peer that is there but takes nothing is as lost as one that is gone, and what is queued for it stays where it is.
    @Test func peerThatTakesNothingIsLostWithMuchQueuedForIt() async throws {
        let listener = try await federation.listen(configuration: hasty)
        let client = try await RawClient(federation, listener)
        try await client.sendWelcome()
        let server = try await listener.accept()
        try await client.stopReading()
        let sent = Counter()
        let lost = ConnectionError.lost(silence: Self.silenceMax)
        await #expect(throws: lost) {
            while true {
                try await server.send([UInt8](repeating: 0, count: 1 << 20))
                sent.add(1)
            }
        }
        #expect(sent.value < 64, "the kernel's buffers bound what is handed over")
        #expect(listener.counters.snapshot.lost == 1)
        await client.close()
        await listener.close()
    }

    /// A reader that stops makes the sender wait; nobody is lost and nothing is.
    @Test func readerThatPausesHoldsTheSenderBackWithoutLosingIt() async throws {
        var configuration = hasty
        configuration.receiveQueueBytesMax = 1 << 20
        let listener = try await federation.listen(configuration: configuration)
        let (client, server) = try await federation.connect(listener, configuration: configuration)
        let sent = Counter()
        let count = 200
        async let sending: Void = {
            for index in 0..<count {
                try await client.send([UInt8](repeating: UInt8(index), count: 200_000))
                sent.add(1)
            }
        }()
        // Longer than the silence after which a peer counts as lost.
        try await Task.sleep(for: Self.silenceMax + .seconds(1))
        #expect(sent.value < count, "40 MB do not fit the queue and the kernel's buffers")
        for index in 0..<count { #expect(try await server.message().first == UInt8(index)) }
        try await sending
        await client.close()
        await listener.close()
    }

    @Test func endWithoutACloseIsAnError() async throws {
        let listener = try await federation.listen()
        let client = try await RawClient(federation, listener)
        try await client.sendWelcome()
        let server = try await listener.accept()
        try await client.send(.message([1]))
        #expect(try await server.message() == [1])
        try await client.cut()
        let end = await #expect(throws: ConnectionError.self) { for try await _ in server.events {} }
        // A socket that is closed with a ping unread makes a reset of its end.
        switch end {
        case .truncated, .network: break
        default: Issue.record("the server found \(String(describing: end))")
        }
        #expect(listener.counters.snapshot.lost == 1)
        await listener.close()
    }

    @Test func cleanCloseWithoutAGoodbyeIsAnEnd() async throws {
        let listener = try await federation.listen()
        let client = try await RawClient(federation, listener)
        try await client.sendWelcome()
        let server = try await listener.accept()
        await client.close()
        for try await _ in server.events { Issue.record("nothing was sent") }
        #expect(listener.counters.snapshot.lost == 0)
        await listener.close()
    }
}
