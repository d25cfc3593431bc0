// SPDX-License-Identifier: MIT

import Primitives
import TLS
import Testing

@testable import Transport

/// A certificate that is renewed while connections stand.
@Suite(.timeLimit(.minutes(5))) struct ReplacedIdentityTests {
    @Test func newConnectionsSeeTheNewCertificateAndOldOnesGoOn() async throws {
        let federation = try TestFederation()
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        let before = try #require(client.peer)
        let renewed = try Certificate.issue(
            CertificateTemplate(
                subject: "leaf", uris: before.certificate.uris, notBefore: before.certificate.notBefore,
                notAfter: before.certificate.notAfter + 300),
            publicKey: before.publicKey, issuer: federation.authority, signer: federation.key)
        try listener.replace(
            TLSIdentity(
                certificateChainDER: [renewed.der, federation.authority.der], key: federation.coordinator.key,
                trustAnchors: [federation.authority]))
        let (second, secondServer) = try await federation.connect(listener)
        #expect(second.peer?.certificate == renewed)
        #expect(second.peer?.spkiHash == before.spkiHash)
        // The connection that stood before still carries both ways.
        try await client.send([1, 2, 3])
        #expect(try await server.message() == [1, 2, 3])
        try await server.send([4])
        #expect(try await client.message() == [4])
        for connection in [client, server, second, secondServer] { await connection.close() }
        await listener.close()
    }

    @Test func theAnchorsOfTheNewIdentityAreAccepted() async throws {
        let federation = try TestFederation()
        let other = try TestFederation()
        let listener = try await federation.listen()
        let stranger = TLSIdentity(
            certificateChainDER: other.party.certificateChainDER, key: other.party.key,
            trustAnchors: [federation.authority])
        await #expect(throws: ConnectionError.refused(.unknownAuthority)) {
            try await federation.dial(listener, as: stranger)
        }
        try listener.replace(
            TLSIdentity(
                certificateChainDER: federation.coordinator.certificateChainDER, key: federation.coordinator.key,
                trustAnchors: [federation.authority, other.authority]))
        let client = try await federation.dial(listener, as: stranger)
        await client.close()
        await listener.close()
    }

    @Test func anIdentityWithoutARoleReplacesNothing() async throws {
        let federation = try TestFederation()
        let listener = try await federation.listen()
        #expect(throws: ListenerError.identityWithoutRole(uris: [])) {
            try listener.replace(
                TLSIdentity(
                    certificateChainDER: [federation.authority.der], key: federation.key,
                    trustAnchors: [federation.authority]))
        }
        let (client, server) = try await federation.connect(listener)
        await client.close()
        await server.close()
        await listener.close()
    }
}
