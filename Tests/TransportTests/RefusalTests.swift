// SPDX-License-Identifier: MIT

import Identity
import NIOCore
import NIOPosix
import Primitives
import TLS
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct RefusalTests {
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// The listener refuses the identity for this reason and sends this alert.
    private func expectRefusal(
        of identity: TLSIdentity, as refusal: HandshakeRefusal, _ alert: TLSAlert,
        isRevoked: @escaping @Sendable (Certificate) -> Bool = { _ in false }
    ) async throws {
        let listener = try await federation.listen(isRevoked: isRevoked)
        await #expect(throws: ConnectionError.refused(alert)) {
            try await dial(
                host: "127.0.0.1", port: listener.port, identity: identity, alpn: .federation,
                expecting: .coordinator(federation: federation.name))
        }
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [refusal: 1] })
        // The listener goes on.
        let (client, _) = try await federation.connect(listener)
        await client.close()
        await listener.close()
    }

    @Test func clientWithoutCertificate() async throws {
        let listener = try await federation.listen()
        let client = try await RawClient(federation, listener, showsCertificate: false)
        #expect(try await eventually { client.log.error == .refused(.certificateRequired) })
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.noCertificate: 1] })
        await client.close()
        await listener.close()
    }

    @Test func clientOfAnotherAuthority() async throws {
        let foreign = try TestFederation("demo").party
        let identity = TLSIdentity(
            certificateChainDER: foreign.certificateChainDER, key: foreign.key, trustAnchors: [federation.authority])
        try await expectRefusal(of: identity, as: .unknownAuthority, .unknownAuthority)
    }

    @Test func revokedClient() async throws {
        let identity = try federation.newParty()
        let revoked = identity.key.publicKey
        try await expectRefusal(of: identity, as: .revoked, .certificateRevoked) { $0.publicKey == revoked }
    }

    /// TLS 1.3 lets a client believe itself accepted. One that sends at once, and much, still hears why it is not: closing a
    /// socket with unread bytes would make a reset, and that destroys the alert.
    @Test func clientThatSendsAtOnceStillHearsTheAlert() async throws {
        let identity = try federation.newParty()
        let revoked = identity.key.publicKey
        let listener = try await federation.listen(isRevoked: { $0.publicKey == revoked })
        for _ in 0..<20 {
            let client = try await RawClient(federation, listener, as: identity)
            try? await client.send([UInt8](repeating: 0, count: 4 << 20))
            #expect(try await eventually { client.log.error != nil })
            #expect(client.log.error == .refused(.certificateRevoked))
            await client.close()
        }
        await listener.close()
    }

    @Test func expiredClient() async throws {
        try await expectRefusal(
            of: try federation.newParty(from: -600, to: -60), as: .expired, .certificateExpired)
    }

    @Test func clientOfTheFuture() async throws {
        try await expectRefusal(of: try federation.newParty(from: 300), as: .notYetValid, .certificateExpired)
    }

    /// Whichever side a certificate is judged on, the clock there is named: one of the two may be wrong.
    @Test(arguments: [(-600, -60), (300, 600)]) func datesAreReportedWithTheClock(from: Int64, to: Int64) async throws {
        let server = try federation.newParty(from: from, to: to)
        let listener = try await Listener.bind(host: "127.0.0.1", port: 0, identity: server)
        let id = PartyID(publicKey: server.key.publicKey)
        let error = await #expect(throws: ConnectionError.self) {
            try await federation.dial(listener, expecting: .party(id, federation: federation.name))
        }
        let said = try #require(error).description
        #expect(said.contains(from < 0 ? "expired on 2" : "valid only from 2"), "\(said)")
        #expect(said.contains("; the clock of this machine says 2"), "\(said)")
        await listener.close()
        let refused = ConnectionError.refused(.certificateExpired).description
        #expect(refused.contains("the clock of this machine says 2"), "\(refused)")
    }

    @Test func clientWhoseCertificateNamesNoRole() async throws {
        let key = try SigningKey.generate()
        let leaf = try Certificate.issue(
            CertificateTemplate(
                subject: "x", uris: ["spiffe://demo/party/00"], notBefore: federation.authority.notBefore,
                notAfter: federation.authority.notAfter),
            publicKey: key.publicKey, issuer: federation.authority, signer: federation.key)
        try await expectRefusal(
            of: TLSIdentity(certificateChainDER: [leaf.der], key: key, trustAnchors: [federation.authority]),
            as: .wrongRole, .badCertificate)
    }

    @Test func dialerRefusesAnotherKeyThanTheOneOnRecord() async throws {
        let owner = federation.party
        let listener = try await Listener.bind(host: "127.0.0.1", port: 0, identity: owner)
        let other = try federation.newParty().key.publicKey
        let actual = owner.key.publicKey
        await #expect(
            throws: ConnectionError.certificateRejected(
                .wrongKey(expected: other.spkiHash, actual: actual.spkiHash))
        ) {
            try await federation.dial(
                listener, as: federation.coordinator,
                expecting: .party(PartyID(publicKey: other), federation: federation.name, spkiHash: other.spkiHash))
        }
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.refusedByPeer: 1] })
        let right = try await federation.dial(
            listener, as: federation.coordinator,
            expecting: .party(PartyID(publicKey: actual), federation: federation.name, spkiHash: actual.spkiHash))
        await right.close()
        await listener.close()
    }

    @Test func dialerRefusesAPartyInTheCoordinatorsPlace() async throws {
        let listener = try await Listener.bind(host: "127.0.0.1", port: 0, identity: federation.party)
        let expected = ConnectionError.certificateRejected(
            .wrongRole(expected: "spiffe://demo/coordinator", actual: try federation.party.leaf.uris))
        await #expect(throws: expected) { try await federation.dial(listener, as: federation.coordinator) }
        await listener.close()
    }

    @Test func dialerRefusesTheCoordinatorOfAnotherFederation() async throws {
        let listener = try await federation.listen()
        let other = try #require(FederationName("other"))
        let expected = ConnectionError.certificateRejected(
            .wrongRole(expected: "spiffe://other/coordinator", actual: try federation.coordinator.leaf.uris))
        await #expect(throws: expected) {
            try await federation.dial(listener, expecting: .coordinator(federation: other))
        }
        await listener.close()
    }

    @Test func dialerRefusesARevokedServer() async throws {
        let listener = try await federation.listen()
        await #expect(throws: ConnectionError.certificateRejected(.revoked)) {
            try await dial(
                host: "127.0.0.1", port: listener.port, identity: federation.party,
                expecting: .coordinator(federation: federation.name), isRevoked: { _ in true })
        }
        await listener.close()
    }

    @Test func enrollingClientIsServedOnlyWhereEnrolmentIs() async throws {
        let expecting = PeerExpectation.enrolment(
            federation: federation.name, authorityFingerprint: federation.authority.fingerprint)
        let closed = try await federation.listen()
        await #expect(throws: ConnectionError.refused(.noApplicationProtocol)) {
            try await dial(host: "127.0.0.1", port: closed.port, identity: nil, expecting: expecting)
        }
        #expect(try await eventually { closed.counters.snapshot.refusedHandshakes == [.noApplicationProtocol: 1] })
        await closed.close()

        let listener = try await federation.listen(alpns: [.federation, .enrolment])
        let client = try await dial(host: "127.0.0.1", port: listener.port, identity: nil, expecting: expecting)
        let server = try await listener.accept()
        #expect(server.peer == nil && server.applicationProtocol == .enrolment)
        #expect(client.peerChain.last == federation.authority)
        try await client.send([1, 2])
        #expect(try await server.message() == [1, 2])
        await client.close()

        let wrong = Digest.zero
        await #expect(throws: ConnectionError.certificateRejected(.wrongAuthority(expected: wrong))) {
            try await dial(
                host: "127.0.0.1", port: listener.port, identity: nil,
                expecting: .enrolment(federation: federation.name, authorityFingerprint: wrong))
        }
        await listener.close()
    }

    @Test func whoSaysNothingIsTimedOut() async throws {
        var configuration = TransportConfiguration()
        // Long enough for a handshake, on a busy machine too.
        configuration.handshakeTimeout = .seconds(5)
        let listener = try await federation.listen(configuration: configuration)
        let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: listener.port).get()
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.timedOut: 1] })
        #expect(try await eventually { !silent.isActive })
        // One that completes TLS but never says welcome is no better.
        let client = try await RawClient(federation, listener)
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes == [.timedOut: 2] })
        #expect(try await eventually { client.hasEnded })
        await listener.close()
    }

    @Test func connectionsBeyondTheLimitAreClosed() async throws {
        var configuration = TransportConfiguration()
        configuration.connectionsMax = 1
        let listener = try await federation.listen(configuration: configuration)
        let (first, _) = try await federation.connect(listener)
        await #expect(throws: ConnectionError.self) { try await federation.dial(listener) }
        #expect(listener.counters.snapshot.refusedHandshakes == [.tooManyConnections: 1])
        await first.close()
        // The place is free when the server's end is closed too.
        var second: Connection?
        for _ in 0..<100 where second == nil { second = try? await federation.dial(listener) }
        #expect(second != nil)
        await second?.close()
        await listener.close()
    }

    @Test func strangersWhoSayNothingTakeOnlyThePlacesOfHandshakes() async throws {
        var configuration = TransportConfiguration()
        configuration.handshakesMax = 1
        let listener = try await federation.listen(configuration: configuration)
        let (client, server) = try await federation.connect(listener)
        let stranger = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: listener.port).get()
        // The stranger's socket may be accepted after the dial's, and displaces it then: the next dial gets in.
        var member: Connection?
        for _ in 0..<3 where member == nil { member = try? await federation.dial(listener) }
        #expect(member != nil)
        try await stranger.closeFuture.get()
        #expect(try await eventually { listener.counters.snapshot.refusedHandshakes[.tooManyHandshakes] ?? 0 >= 1 })
        try await client.send([1])
        #expect(try await server.message() == [1])
        await member?.close()
        await client.close()
        await listener.close()
    }

    @Test func oneKeyHoldsOnlySoManyConnections() async throws {
        var configuration = TransportConfiguration()
        configuration.connectionsPerPeerMax = 2
        let listener = try await federation.listen(configuration: configuration)
        let first = try await federation.dial(listener)
        let (second, third) = (try await federation.dial(listener), try await federation.dial(listener))
        #expect(try await eventually { first.end != nil })
        #expect(second.end == nil && third.end == nil)
        await second.close()
        await third.close()
        await listener.close()
    }
}
