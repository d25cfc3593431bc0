// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Programs
import Testing
import Transport

@testable import SMPCServer

/// Who asks the coordinator to relay, what for, and how often (protocol section 3, "Relay").
@Suite(.timeLimit(.minutes(10))) struct RelayAbuseTests {
    /// A server that waits for sites which never come, and parties that speak by hand.
    private final class Guests: Sendable {
        let server: TestServer
        let parties: [PartyIdentity]
        let connections: [Connection]
        private let serving: Task<RunEnd, any Error>

        /// - Parameter deaf: whose Hello says that they take no relays.
        init(_ count: Int, relays: RelayDesk.Limits = RelayDesk.Limits(), deaf: Set<Int> = []) async throws {
            server = try TestServer()
            serving = try server.start(cohort: 50, relays: relays, cohortWait: .seconds(3_600))
            let port = try await server.port()
            var parties: [PartyIdentity] = []
            for number in 0...count {
                parties.append(try await server.join(server.invite("site-\(number)"), key: .generate(), port: port))
            }
            var connections: [Connection] = []
            let prober = parties[count]
            for number in 0..<count {
                var connection = try await Self.greet(port, parties[number], takesRelays: !deaf.contains(number))
                // A server that has just let somebody join may not know it yet when it connects, and closes: nothing tells
                // when it does but a relay that comes about.
                var asking = try await Self.greet(port, prober, takesRelays: true)
                while relays.relaysMax > 0, !deaf.contains(number) {
                    if try await Self.areJoined(asking, to: connection, parties[number].id) { break }
                    await connection.close()
                    await asking.close()
                    // The server's next look at who is a member, which shows itself by nothing else.
                    try await Task.sleep(for: .milliseconds(20))
                    connection = try await Self.greet(port, parties[number], takesRelays: true)
                    asking = try await Self.greet(port, prober, takesRelays: true)
                }
                await asking.close()
                connections.append(connection)
            }
            (self.parties, self.connections) = (Array(parties.dropLast()), connections)
        }

        /// Connects and says Hello.
        private static func greet(_ port: Int, _ party: PartyIdentity, takesRelays: Bool) async throws -> Connection {
            let connection = try await dial(
                host: "127.0.0.1", port: port, identity: party.tlsIdentity,
                expecting: .coordinator(federation: party.federation))
            let hello = Hello(
                instance: [UInt8](repeating: 1, count: 16), addresses: [], position: nil, takesRelays: takesRelays)
            try await connection.send(ControlMessage.hello(hello).encoded())
            return connection
        }

        /// Whether a relay reaches the other one, which refuses it.
        private static func areJoined(_ asking: Connection, to other: Connection, _ party: PartyID) async throws -> Bool
        {
            guard let stream = try? await open(asking, to: party) else { return false }
            return await withTaskGroup(of: Bool?.self) { group in
                group.addTask {
                    (try? await offered(other))?.stream.refuse(99)
                    return nil
                }
                group.addTask { await refusal(of: stream) == 99 }
                defer { group.cancelAll() }
                for await answer in group { if let answer { return answer } }
                return false
            }
        }

        /// Asks for a relay.
        func open(_ opener: Int, to target: Int) async throws -> OutgoingStream {
            try await open(opener, to: parties[target].id)
        }

        func open(_ opener: Int, to target: PartyID) async throws -> OutgoingStream {
            try await Self.open(connections[opener], to: target)
        }

        private static func open(_ connection: Connection, to target: PartyID) async throws -> OutgoingStream {
            try await connection.openStream(
                header: StreamHeader.relayOpen(RelayOpen(relay: .random(), party: target)).encoded())
        }

        func refusal(of stream: OutgoingStream) async -> StreamCode? { await Self.refusal(of: stream) }

        /// The code by which the coordinator ends a stream, which is written to until then.
        private static func refusal(of stream: OutgoingStream) async -> StreamCode? {
            do {
                while true { try await stream.write([UInt8](repeating: 0, count: 16 << 10)) }
            } catch {
                return (error as? StreamRefused)?.code
            }
        }

        /// The next relay that the coordinator opens to a party.
        func offered(_ number: Int) async throws -> (stream: IncomingStream, header: RelayOpen) {
            try await Self.offered(connections[number])
        }

        private static func offered(
            _ connection: Connection
        ) async throws -> (stream: IncomingStream, header: RelayOpen) {
            for try await event in connection.events {
                if case .stream(let stream) = event,
                    case .relayOpen(let open) = try StreamHeader(encoded: stream.header)
                {
                    return (stream, open)
                }
            }
            throw CancellationError()
        }

        func leave() async {
            for connection in connections { await connection.close() }
            serving.cancel()
            _ = try? await serving.value
        }
    }

    @Test func onlyConnectedMembersThatTakeRelaysAreJoined() async throws {
        let guests = try await Guests(3, deaf: [2])
        let stranger = try PartyID(publicKey: SigningKey.generate().publicKey)
        #expect(await guests.refusal(of: try await guests.open(0, to: stranger)) == StreamCode(relay: .notThere))
        #expect(await guests.refusal(of: try await guests.open(0, to: 2)) == StreamCode(relay: .notThere))
        await guests.leave()
    }

    @Test func whoDoesNotAnswerIsWaitedForOnlySoLong() async throws {
        var limits = RelayDesk.Limits()
        limits.answerTimeout = .seconds(1)
        let guests = try await Guests(2, relays: limits)
        #expect(await guests.refusal(of: try await guests.open(0, to: 1)) == StreamCode(relay: .noAnswer))
        await guests.leave()
    }

    @Test func theOtherEndsRefusalIsPassedOn() async throws {
        let guests = try await Guests(2)
        let stream = try await guests.open(0, to: 1)
        let offered = try await guests.offered(1)
        #expect(offered.header.party == guests.parties[0].id, "the coordinator says who asks")
        offered.stream.refuse(77)
        #expect(await guests.refusal(of: stream) == 77)
        await guests.leave()
    }

    @Test func aRelayIsAnsweredByTheOneWhomItWasOpenedTo() async throws {
        let guests = try await Guests(3)
        let stream = try await guests.open(0, to: 1)
        let offered = try await guests.offered(1)
        // Another party knows the name, and a name that is nobody's.
        for name in [offered.header.relay, .random()] {
            let answer = try await guests.connections[2].openStream(
                header: StreamHeader.relayAnswer(RelayAnswer(relay: name)).encoded())
            #expect(await guests.refusal(of: answer) == StreamCode(relay: .notExpected))
        }
        await guests.connections[1].close()
        #expect(await guests.refusal(of: stream) == StreamCode(relay: .otherEndGone))
        await guests.leave()
    }

    @Test func relaysAreBoundedByPartyAndInAll() async throws {
        var limits = RelayDesk.Limits()
        (limits.relaysMax, limits.relaysPerPartyMax, limits.answerTimeout) = (3, 2, .seconds(600))
        let guests = try await Guests(5, relays: limits)
        let first = try await guests.open(0, to: 1)
        let second = try await guests.open(2, to: 1)
        _ = try await (guests.offered(1), guests.offered(1))
        #expect(await guests.refusal(of: try await guests.open(3, to: 1)) == StreamCode(relay: .tooMany), "of a party")
        // The same pair again takes its own place.
        let again = try await guests.open(0, to: 1)
        #expect(await guests.refusal(of: first) == StreamCode(relay: .superseded))
        _ = try await guests.offered(1)
        let third = try await guests.open(3, to: 4)
        _ = try await guests.offered(4)
        #expect(await guests.refusal(of: try await guests.open(2, to: 4)) == StreamCode(relay: .tooMany), "in all")
        withExtendedLifetime([again, second, third]) {}
        await guests.leave()
    }

    @Test func nobodyAsksWithoutEnd() async throws {
        var limits = RelayDesk.Limits()
        limits.opensPerMinuteMax = 3
        let guests = try await Guests(2, relays: limits)
        var codes: [StreamCode?] = []
        for _ in 0..<4 {
            let stream = try await guests.open(0, to: 1)
            if codes.count < 3 { try await guests.offered(1).stream.refuse(77) }
            codes.append(await guests.refusal(of: stream))
        }
        #expect(codes == [77, 77, 77, StreamCode(relay: .tooOften)])
        await guests.leave()
    }

    @Test func noServerRelaysThatIsToldNotTo() async throws {
        var limits = RelayDesk.Limits()
        limits.relaysMax = 0
        let guests = try await Guests(2, relays: limits)
        #expect(await guests.refusal(of: try await guests.open(0, to: 1)) == StreamCode(relay: .notThere))
        await guests.leave()
    }
}
