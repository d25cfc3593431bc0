// SPDX-License-Identifier: MIT

import Discovery
import FoundationEssentials
import Identity
import Logging
import Primitives
import Synchronization
import Testing
import Transport

@testable import Programs

/// Holds a federation made at run time: a coordinator and one party.
private struct Federation {
    let name: FederationName
    let authority: CertificateAuthority
    let coordinator: PartyIdentity
    let party: PartyIdentity

    init(_ text: String = "demo-\(UInt32.random(in: 0 ... .max))") throws {
        name = try #require(FederationName(text))
        let now = Int64(Date.now.timeIntervalSince1970)
        authority = try CertificateAuthority.create(federation: name, now: now)
        let (ours, theirs) = (try SigningKey.generate(), try SigningKey.generate())
        coordinator = try PartyIdentity(
            key: ours, certificate: try authority.issueCoordinator(publicKey: ours.publicKey, now: now),
            authority: authority.certificate)
        party = try PartyIdentity(
            key: theirs, certificate: try authority.issueParty(publicKey: theirs.publicKey, name: "site", now: now),
            authority: authority.certificate)
    }

    func listen() async throws -> Listener {
        try await Listener.bind(host: "127.0.0.1", port: 0, identity: coordinator.tlsIdentity)
    }

    func locator(
        server: HostPort? = nil, wait: Duration = .seconds(20), hints: [HostPort] = []
    ) -> CoordinatorLocator {
        CoordinatorLocator(
            federation: name,
            network: NetworkOptions.Resolved(
                server: server, wait: wait, discovery: hints.isEmpty, interfaces: .loopback),
            hints: hints, logger: Logger(label: "test") { ConsoleLogHandler(label: $0, level: .error) })
    }

    /// Announces a coordinator of this federation at a port of this host.
    func announce(port: Int) async throws -> DiscoveryService {
        let service = DiscoveryService(
            advertising: try ServiceAdvertisement(
                federation: name.text, role: .coordinator,
                id: String(UInt64.random(in: .min ... .max) | 1 << 63, radix: 16), port: UInt16(port)),
            interfaces: .loopback)
        try await service.start()
        return service
    }
}

@Suite(.timeLimit(.minutes(5))) struct CoordinatorLocatorTests {
    private func address(_ listener: Listener) -> HostPort {
        HostPort(host: "127.0.0.1", port: UInt16(listener.port))
    }

    /// A port on which nobody listens.
    private func closedPort(_ federation: Federation) async throws -> Int {
        let listener = try await federation.listen()
        await listener.close()
        return listener.port
    }

    private func error(_ body: () async throws -> some Any) async -> ProgramError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? ProgramError
        }
    }

    @Test func theAddressGivenIsDialled() async throws {
        let federation = try Federation()
        let listener = try await federation.listen()
        let connection = try await federation.locator(server: address(listener)).connect(as: federation.party)
        #expect(connection.peer?.role == .coordinator)
        await connection.close()
        await listener.close()
    }

    @Test func anAddressWhereNobodyListensIsUnreachable() async throws {
        let federation = try Federation()
        let port = try await closedPort(federation)
        let locator = federation.locator(server: HostPort(host: "127.0.0.1", port: UInt16(port)), wait: .seconds(1))
        let error = try #require(await error { try await locator.connect(as: federation.party) })
        #expect(error.exit == .unreachable)
        #expect(error.subject == "127.0.0.1:\(port)")
        #expect(error.line.contains("within 1s"))
    }

    @Test func anotherFederationsCoordinatorIsRefusedAtOnce() async throws {
        let (ours, theirs) = (try Federation(), try Federation())
        let listener = try await theirs.listen()
        let began = ContinuousClock.now
        let error = await error { try await ours.locator(server: address(listener)).connect(as: ours.party) }
        #expect(error?.exit == .failed)
        #expect(ContinuousClock.now - began < .seconds(25))
        await listener.close()
    }

    /// A damaged byte in a handshake can look like a refusal, and must not end a run.
    @Test func aRefusalThatComesOnceIsTriedAgain() async throws {
        let federation = try Federation()
        let asked = Mutex(0)
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: federation.coordinator.tlsIdentity,
            isRevoked: { _ in
                asked.withLock { asked in
                    asked += 1
                    return asked == 1
                }
            })
        let connection = try await federation.locator(server: address(listener)).connect(as: federation.party)
        #expect(listener.counters.snapshot.refusedHandshakes == [.revoked: 1])
        await connection.close()
        await listener.close()
    }

    @Test func aServerThatStartsLaterIsReached() async throws {
        let federation = try Federation()
        let port = try await closedPort(federation)
        let locator = federation.locator(server: HostPort(host: "127.0.0.1", port: UInt16(port)))
        async let connection = locator.connect(as: federation.party)
        // Long enough for at least one dial to fail.
        try await Task.sleep(for: .milliseconds(400))
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: port, identity: federation.coordinator.tlsIdentity)
        await (try await connection).close()
        await listener.close()
    }

    @Test func theCoordinatorIsFoundByMulticastAmongImpostors() async throws {
        let (federation, stranger) = (try Federation(), try Federation())
        let (listener, trap) = (try await federation.listen(), try await stranger.listen())
        let announcements = [
            try await federation.announce(port: try await closedPort(federation)),
            try await federation.announce(port: trap.port),
            try await federation.announce(port: listener.port),
        ]
        let connection = try await federation.locator().connect(as: federation.party)
        #expect(connection.peer?.federation == federation.name)
        await connection.close()
        for service in announcements { await service.stop() }
        await listener.close()
        await trap.close()
    }

    @Test func nobodyFoundByMulticastIsUnreachable() async throws {
        let federation = try Federation()
        let error = try #require(
            await error { try await federation.locator(wait: .seconds(1)).connect(as: federation.party) })
        #expect(error.exit == .unreachable)
        #expect(
            error.line == "federation \(federation.name): no coordinator found by multicast within 1s; start the "
                + "server, or give its address with --server host:port")
    }

    @Test func anInvitationsAddressesAreHints() async throws {
        let federation = try Federation()
        let listener = try await federation.listen()
        let closed = HostPort(host: "127.0.0.1", port: UInt16(try await closedPort(federation)))
        let locator = federation.locator(hints: [closed, address(listener)])
        await (try await locator.connect(as: federation.party)).close()
        await listener.close()
    }

    @Test func aSecondAnswerIsAbandoned() async throws {
        let federation = try Federation()
        let (first, second) = (HostPort(host: "a", port: 1), HostPort(host: "b", port: 2))
        let (abandoned, report) = AsyncStream.makeStream(of: HostPort.self)
        let (started, both) = AsyncStream.makeStream(of: Void.self)
        let reached = try await federation.locator(hints: [first, second]).reach { address, _ in
            both.yield()
            if address == first { for await _ in started.prefix(2) {} }
            // The second answers although it is cancelled, as a dial may that was nearly done.
            while address == second, !Task.isCancelled { await Task.yield() }
            return address
        } abandon: {
            report.yield($0)
        }
        report.finish()
        #expect(reached == first)
        #expect(await abandoned.first { _ in true } == second)
    }
}
