// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import TLS
import Testing

@testable import Transport

/// A network that fails, and what it may come to: a connection that works late, or one that ends with a reason.
@Suite(.timeLimit(.minutes(5))) struct ChaosTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    private func dial(
        _ proxy: ChaosProxy, as identity: TLSIdentity? = nil,
        configuration: TransportConfiguration = TransportConfiguration()
    ) async throws -> Connection {
        try await Transport.dial(
            host: "127.0.0.1", port: proxy.port, identity: identity ?? federation.party,
            expecting: .coordinator(federation: federation.name), timeout: .seconds(60), configuration: configuration)
    }

    // MARK: Resending

    /// The bytes at which connections fail: in the hello, in the handshake, in the first frames, in streams.
    private static let places = [100, 700, 1_500, 2_000, 66_000, 130_000, 299_000, 310_000, 640_000, 900_001]

    /// What a stream carries: its number tells every byte of it.
    private static func bytes(_ number: UInt8) -> [UInt8] {
        (0..<(300_000 + 1_000 * Int(number))).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(number)) }
    }

    /// A stream counts when its trailer is there. Whatever byte the link fails at and however, what counts is whole, and
    /// each is counted once. A bit that flips on the way ends the connection; it is never taken for another byte.
    @Test(arguments: ["cut", "half-close", "flip"]) func noByteIsLostOrDoubled(kind: String) async throws {
        let listener = try await federation.listen()
        let faults = Self.places.enumerated().map { index, place in
            // Every third in the server's answers, which are short.
            index % 3 == 2
                ? ChaosProxy.Fault(kind: kind, direction: "down", after: place % 1_400, bit: index % 8)
                : ChaosProxy.Fault(kind: kind, after: place, bit: index % 8)
        }
        let proxy = try await ChaosProxy(to: listener.port, plan: faults)
        let received = NIOLockedValueBox<[UInt8: Int]>([:])
        let receiving = Task {
            for await connection in listener.connections { Task { await Self.receive(connection, received) } }
        }
        var next: UInt8 = 0
        var dials = 0
        while next < 6 {
            dials += 1
            try #require(dials < 100, "the link has ceased to fail by then")
            guard let connection = try? await dial(proxy) else { continue }
            while next < 6, (try? await Self.send(next, on: connection)) != nil { next += 1 }
            await connection.close()
        }
        #expect(received.withLockedValue { $0 } == Dictionary(uniqueKeysWithValues: (0..<6).map { ($0, 1) }))
        #expect(proxy.kinds.count > faults.count / 2, "the link failed: \(proxy.faults)")
        receiving.cancel()
        proxy.close()
        await listener.close()
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
            // The link failed, and the sender comes back.
            #expect(error is ConnectionError || error is StreamReset)
        }
    }

    // MARK: One fault, one outcome

    @Test func aFlippedBitIsAnAlertAndNoByte() async throws {
        var configuration = TransportConfiguration()
        // The alert is to be heard, however busy the machine is.
        configuration.closeTimeout = .seconds(60)
        let listener = try await federation.listen(configuration: configuration)
        let proxy = try await ChaosProxy(to: listener.port, plan: [ChaosProxy.Fault(kind: "flip", after: 100_000)])
        let client = try await dial(proxy)
        let server = try await listener.accept()
        let sending = Task { while true { try await client.send([UInt8](repeating: 7, count: 1_000)) } }
        var end: (any Error)?
        do {
            for try await case .message(let bytes) in server.events {
                #expect(bytes == [UInt8](repeating: 7, count: 1_000))
            }
        } catch {
            end = error
        }
        guard case .tls(.violation) = end as? ConnectionError else {
            Issue.record("the server found \(String(describing: end))")
            return
        }
        // Mostly bad_record_mac; another alert where it was a record's header.
        let refusal = await #expect(throws: ConnectionError.self) { try await sending.value }
        guard case .refused(let alert) = refusal, !alert.concernsTheSender || alert == .protocolVersion else {
            Issue.record("the client found \(String(describing: refusal))")
            return
        }
        #expect(proxy.faults == ["1 flip up 100000"])
        proxy.close()
        await listener.close()
    }

    @Test func silenceIsFoundOnBothSides() async throws {
        var hasty = TransportConfiguration()
        hasty.pingInterval = .milliseconds(100)
        hasty.silenceMax = .seconds(8)
        let listener = try await federation.listen(configuration: hasty)
        let proxy = try await ChaosProxy(to: listener.port, plan: [ChaosProxy.Fault(kind: "silence", after: 20_000)])
        let client = try await dial(proxy, configuration: hasty)
        let server = try await listener.accept()
        let lost = ConnectionError.lost(silence: hasty.silenceMax)
        let sending = Task { while true { try await client.send([UInt8](repeating: 7, count: 1_000)) } }
        await #expect(throws: lost) { for try await _ in server.events {} }
        await #expect(throws: lost) { for try await _ in client.events {} }
        await #expect(throws: lost) { try await sending.value }
        #expect(proxy.kinds == ["silence"])
        #expect(listener.counters.snapshot.lost == 1)
        proxy.close()
        await listener.close()
    }

    /// On a slow way the writer waits: what is on its way never exceeds the window, whatever is still to be sent.
    @Test func aThrottledWriterWaitsAndHoldsNoMoreThanTheWindow() async throws {
        let configuration = TransportConfiguration()
        let listener = try await federation.listen(configuration: configuration)
        let rate = 4 << 20
        let proxy = try await ChaosProxy(
            to: listener.port, plan: [ChaosProxy.Fault(kind: "throttle", after: 5_000, rate: rate)])
        let client = try await dial(proxy)
        let server = try await listener.accept()
        let (piece, total) = (64 << 10, 8 << 20)
        let received = Counter()
        let began = ContinuousClock.now
        async let receiving: Void = {
            let stream = try await server.stream()
            stream.accept()
            for try await chunk in stream.chunks { received.add(chunk.count) }
        }()
        let stream = try await client.openStream(header: [])
        // What was consumed last may not be counted yet.
        let most = configuration.streamWindowBytes + TransportConfiguration.chunkBytesMax
        var onItsWay = 0
        for sent in stride(from: piece, through: total, by: piece) {
            try await stream.write([UInt8](repeating: 7, count: piece))
            onItsWay = max(onItsWay, sent - received.value)
        }
        #expect(onItsWay <= most)
        try await stream.finish()
        try await receiving
        #expect(received.value == total)
        // Pauses are never shorter than they are meant to be.
        #expect(ContinuousClock.now - began > .seconds(Double(total - most) / Double(rate)))
        await client.close()
        proxy.close()
        await listener.close()
    }

    @Test func aSlowWayIsSlowAndNothingElse() async throws {
        let listener = try await federation.listen()
        let proxy = try await ChaosProxy(to: listener.port, plan: [ChaosProxy.Fault(kind: "delay", seconds: 0.1)])
        let client = try await dial(proxy)
        let server = try await listener.accept()
        for number in 0..<10 as Range<UInt8> {
            try await client.send([number])
            #expect(try await server.message() == [number])
        }
        #expect(proxy.kinds == ["delay"])
        await client.close()
        #expect(listener.counters.snapshot.lost == 0)
        proxy.close()
        await listener.close()
    }

    @Test func connectionsThatOvertakeOneAnotherAreNotMixedUp() async throws {
        let listener = try await federation.listen()
        let proxy = try await ChaosProxy(to: listener.port, plan: [ChaosProxy.Fault(kind: "reorder", seconds: 60)])
        let (early, late) = (federation.party, try federation.newParty())
        async let first = dial(proxy, as: early)
        #expect(try await eventually { proxy.kinds == ["reorder"] })
        let second = try await dial(proxy, as: late)
        let clients = [try await first, second]
        let servers = [try await listener.accept(), try await listener.accept()]
        for (client, identity) in zip(clients, [early, late]) {
            let leaf = try identity.leaf
            let server = try #require(servers.first { $0.peer?.certificate == leaf })
            try await client.send(Array(leaf.der))
            #expect(try await server.message() == leaf.der)
            await client.close()
        }
        proxy.close()
        await listener.close()
    }
}
