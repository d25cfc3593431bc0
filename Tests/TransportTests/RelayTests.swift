// SPDX-License-Identifier: MIT

import Identity
import NIOConcurrencyHelpers
import Primitives
import TLS
import Testing

@testable import Transport

/// What a coordinator carries between two parties is a connection of theirs like any other (protocol section 3, "Relay").
@Suite(.timeLimit(.minutes(5))) struct RelayTests {
    @Test func aRelayedConnectionIsLikeAnyOther() async throws {
        let relayed = try await RelayedPair()
        let (near, far) = try await relayed.connect()
        #expect(near.path == .relayed && far.path == .relayed)
        #expect(near.remoteHost == nil && far.remoteHost == nil, "an address of the coordinator's would mislead")
        #expect(try near.peer?.certificate == relayed.second.leaf)
        #expect(try far.peer?.certificate == relayed.first.leaf)

        try await near.send([1, 2, 3])
        #expect(try await far.message() == [1, 2, 3])
        try await far.send([4])
        #expect(try await near.message() == [4])
        // More than every window and buffer on the way.
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let outgoing = try await far.openStream(header: [9])
        async let sent: Void = {
            try await outgoing.write(bytes); try await outgoing.finish(trailer: [8])
        }()
        let incoming = try await near.stream()
        incoming.accept()
        var received: [UInt8] = []
        for try await chunk in incoming.chunks { received += chunk }
        try await sent
        #expect(received == bytes)
        await near.close()
        await relayed.close()
    }

    @Test func theCoordinatorSeesCiphertextOnly() async throws {
        let relayed = try await RelayedPair()
        let (near, far) = try await relayed.connect()
        let message = [UInt8](repeating: 0xAB, count: 50_000)
        try await near.send(message)
        #expect(try await far.message() == message)
        let longest = relayed.seen.withLockedValue { seen in
            seen.reduce(into: (longest: 0, now: 0)) { runs, next in
                runs.now = next == 0xAB ? runs.now + 1 : 0
                runs.longest = max(runs.longest, runs.now)
            }.longest
        }
        #expect(relayed.seen.withLockedValue { $0.count } > message.count)
        #expect(longest < 16, "in random bytes 16 of a kind have a probability below 2^-100")
        await near.close()
        await relayed.close()
    }

    @Test func aFlippedByteEndsTheInnerConnectionAndNothingElse() async throws {
        let relayed = try await RelayedPair()
        let (near, far) = try await relayed.connect()
        relayed.flips.withLockedValue { $0 = true }
        try? await near.send([1, 2, 3])
        await #expect(throws: ConnectionError.self) { _ = try await far.message() }
        // The other end is told by an alert.
        await #expect(throws: ConnectionError.self) { _ = try await near.message() }
        for outer in relayed.outer {
            _ = try await outer.ping()
            #expect(outer.end == nil)
        }
        await relayed.close()
    }

    @Test func onlyTheKeyOfTheOneWhoWasDialledIsTaken() async throws {
        let relayed = try await RelayedPair()
        let other = try PeerIdentity(relayed.federation.newParty().leaf).publicKey
        let expected = PeerExpectation.party(
            PartyID(publicKey: other), federation: relayed.federation.name, spkiHash: other.spkiHash)
        await #expect {
            _ = try await relayed.connect(expecting: expected)
        } throws: { error in
            guard case .certificateRejected(.wrongKey)? = error as? ConnectionError else { return false }
            return true
        }
        await relayed.close()
    }

    @Test func aReaderThatDoesNotReadMakesTheOtherEndWait() async throws {
        let relayed = try await RelayedPair()
        let (near, far) = try await relayed.connect()
        let sent = NIOLockedValueBox(0)
        let count = 32
        let sender = Task {
            for _ in 0..<count {
                try await near.send([UInt8](repeating: 7, count: 1 << 20))
                sent.withLockedValue { $0 += 1 }
            }
        }
        // What the far end takes unread, 4 MiB; from there on nothing moves. The pings between two looks pass the same way
        // through the coordinator and would not overtake.
        #expect(try await eventually { relayed.allowance.used > 4 << 20 })
        var used = -1
        while used != relayed.allowance.used {
            used = relayed.allowance.used
            for _ in 0..<50 { for outer in relayed.outer { _ = try await outer.ping() } }
        }
        #expect(used < 8 << 20, "two windows, the buffers of two pairs of sockets and one message at most")
        #expect(sent.withLockedValue { $0 } < 16)
        var received = 0
        for try await event in far.events {
            if case .message = event { received += 1 }
            if received == count { break }
        }
        try await sender.value
        await near.close()
        await relayed.close()
    }

    @Test func aRelayEndsWhenItHasCarriedWhatItMay() async throws {
        let relayed = try await RelayedPair(bytesMax: 200_000)
        let (near, far) = try await relayed.connect()
        try? await near.send([UInt8](repeating: 7, count: 300_000))
        await #expect(throws: ConnectionError.self) { _ = try await far.message() }
        #expect(relayed.allowance.used <= 200_000)
        for outer in relayed.outer { _ = try await outer.ping() }
        await relayed.close()
    }

    @Test(arguments: [0, 1]) func aRelayEndsWithEitherConnectionThatItRestsOn(side: Int) async throws {
        let relayed = try await RelayedPair()
        let (near, far) = try await relayed.connect()
        await relayed.outer[side].close()
        await #expect(throws: ConnectionError.self) { _ = try await near.message() }
        await #expect(throws: ConnectionError.self) { _ = try await far.message() }
        await relayed.close()
    }

    @Test func aRefusedRelayIsSeenAsRefused() async throws {
        let relayed = try await RelayedPair()
        let outgoing = try await relayed.outer[0].openStream(header: [])
        async let asked = relayed.atCoordinator[0].stream()
        // The answer never comes.
        let (answers, answer) = AsyncStream.makeStream(of: IncomingStream.self)
        defer { answer.finish() }
        let end = RelayEnd(outgoing: outgoing, target: "nobody") {
            for await stream in answers { return stream }
            throw CancellationError()
        }
        let dial = Task {
            try await Transport.dial(
                through: end, identity: relayed.first, expecting: .coordinator(federation: relayed.federation.name),
                timeout: .seconds(120))
        }
        try await asked.refuse(StreamCode(rawValue: 17))
        await #expect(throws: ConnectionError.relay(17)) { _ = try await dial.value }
        await relayed.close()
    }
}

/// Two parties that are connected to a coordinator, which carries what they say to each other, and looks at it.
private struct RelayedPair {
    let federation: TestFederation
    let first: TLSIdentity
    let second: TLSIdentity
    /// The connections of the first and the second to the coordinator: their ends, and the coordinator's.
    let outer: [Connection]
    let atCoordinator: [Connection]
    let allowance: RelayAllowance
    /// What passed, in the order in which it was looked at.
    let seen = NIOLockedValueBox<[UInt8]>([])
    /// Whether the coordinator changes a byte of whatever passes from the first to the second.
    let flips = NIOLockedValueBox(false)
    private let coordinator: Listener
    private let door: Listener

    init(bytesMax: Int = .max) async throws {
        federation = try TestFederation()
        first = try federation.newParty()
        second = try federation.newParty()
        allowance = RelayAllowance(bytes: bytesMax)
        coordinator = try await federation.listen()
        door = try await Listener.bind(host: "127.0.0.1", port: 0, identity: second)
        var (outer, inner): ([Connection], [Connection]) = ([], [])
        for identity in [first, second] {
            outer.append(try await federation.dial(coordinator, as: identity))
            inner.append(try await coordinator.accept())
        }
        (self.outer, atCoordinator) = (outer, inner)
    }

    /// Both ends of a new connection through the coordinator.
    func connect(expecting: PeerExpectation? = nil) async throws -> (near: Connection, far: Connection) {
        let key = try PeerIdentity(second.leaf).publicKey
        let expecting =
            expecting ?? .party(PartyID(publicKey: key), federation: federation.name, spkiHash: key.spkiHash)
        let there = try await outer[0].openStream(header: [1])
        let thereAtC = try await atCoordinator[0].stream()
        carry(from: thereAtC, to: try await atCoordinator[1].openStream(header: [1])) { bytes in
            guard flips.withLockedValue({ $0 }) else { return bytes }
            var bytes = bytes
            bytes[bytes.count / 2] ^= 1
            return bytes
        }
        let asked = try await outer[1].stream()
        let back = try await outer[1].openStream(header: [2])
        try await door.accept(RelayEnd(outgoing: back, target: "first") { asked })
        carry(from: try await atCoordinator[1].stream(), to: try await atCoordinator[0].openStream(header: [2])) { $0 }
        let answer = try await outer[0].stream()
        let near = try await Transport.dial(
            through: RelayEnd(outgoing: there, target: "second") { answer }, identity: first, expecting: expecting,
            timeout: .seconds(120))
        return (near, try await door.accept())
    }

    /// Carries as `relay` does, and looks.
    private func carry(
        from incoming: IncomingStream, to outgoing: OutgoingStream, _ change: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) {
        let (seen, allowance) = (seen, allowance)
        let look: @Sendable ([UInt8]) -> [UInt8] = { bytes in
            seen.withLockedValue { seen in if seen.count < 1 << 20 { seen += bytes } }
            return change(bytes)
        }
        Task { try? await relay(from: incoming, to: outgoing, allowance: allowance, passing: look) }
    }

    func close() async {
        for connection in outer { await connection.close() }
        await door.close()
        await coordinator.close()
    }
}
