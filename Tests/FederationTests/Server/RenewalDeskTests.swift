// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Logging
import Primitives
import Storage
import TLS
import Testing
import Transport

@testable import Programs

/// Renewal over real TLS, with the records of a server, and no run.
@Suite(.timeLimit(.minutes(5))) struct RenewalDeskTests {
    /// A coordinator that serves renewal, and one member whose certificate is due.
    private final class Desk: Sendable {
        let directory: URL
        let authority: CertificateAuthority
        let store: ServerStore
        let member: PartyIdentity
        let coordinator: PartyIdentity
        let listener: Listener
        let serving: Task<Void, Never>

        init() async throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "renewal-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            authority = try CertificateAuthority.create(federation: #require(FederationName("test")), now: unixNow())
            store = try ServerStore(path: directory.appending(path: ServerStore.fileName).path)
            let key = try SigningKey.generate()
            // Ten days are left.
            let issuedAt = unixNow() - CertificateAuthority.leafValiditySeconds + 10 * 86_400
            member = try PartyIdentity(
                key: key, certificate: authority.issueParty(publicKey: key.publicKey, name: "site", now: issuedAt),
                authority: authority.certificate)
            try store.enrol(
                StoredMember(
                    id: member.id, name: "site", spki: key.publicKey.spki, certificate: member.certificate.der,
                    enrolledAt: issuedAt))
            let own = try SigningKey.generate()
            coordinator = try PartyIdentity(
                key: own, certificate: authority.issueCoordinator(publicKey: own.publicKey, now: unixNow()),
                authority: authority.certificate)
            let registry = try MemberRegistry(store: store)
            listener = try await Listener.bind(
                host: "127.0.0.1", port: 0, identity: coordinator.tlsIdentity, alpns: [.renewal],
                isRevoked: { registry.isRevoked($0) })
            let issuer = CertificateIssuer(authority: authority)
            let desk = RenewalDesk(registry: registry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            {
                issuer
            }
            serving = Task { [listener] in for await connection in listener.connections { await desk.serve(connection) }
            }
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        func dial(as party: PartyIdentity) async throws -> Connection {
            try await Transport.dial(
                host: "127.0.0.1", port: listener.port, identity: party.tlsIdentity, alpn: .renewal,
                expecting: .coordinator(federation: party.federation))
        }

        func ask(_ connection: Connection, as party: PartyIdentity) async throws -> PartyIdentity? {
            let client = RenewalClient(party)
            try await connection.send(try client.requestBytes())
            guard case .message(let response)? = try await connection.events.makeAsyncIterator().next() else {
                throw ConnectionError.closedBeforeWelcome
            }
            await connection.close()
            return try client.identity(responseBytes: response, now: unixNow())
        }

        func close() async {
            await listener.close()
            await serving.value
        }
    }

    @Test func aMemberIsGivenOneCertificateHoweverOftenItAsks() async throws {
        let desk = try await Desk()
        let first = try #require(try await desk.ask(desk.dial(as: desk.member), as: desk.member))
        #expect(first.certificate.notAfter > desk.member.certificate.notAfter)
        #expect(try desk.store.members().map(\.certificate) == [first.certificate.der])
        // As if the first answer had been lost.
        #expect(try await desk.ask(desk.dial(as: desk.member), as: desk.member)?.certificate == first.certificate)
        #expect(try await desk.ask(desk.dial(as: first), as: first) == nil)
        await desk.close()
    }

    @Test func aRevokedMemberGetsNoRenewal() async throws {
        let desk = try await Desk()
        let standing = try await desk.dial(as: desk.member)
        #expect(try desk.store.revoke(desk.member.id, now: unixNow()))
        // The connection stood before: the record is asked again when the request comes.
        await #expect(throws: RenewalError.refused(.notAMember)) {
            try await desk.ask(standing, as: desk.member)
        }
        #expect(try desk.store.members().map(\.certificate) == [desk.member.certificate.der])
        #expect(try !desk.store.renew(desk.member.id, certificate: [1]))
        await desk.close()
    }

    @Test func whoHasACertificateAndIsNoMemberGetsNone() async throws {
        let desk = try await Desk()
        let key = try SigningKey.generate()
        let stranger = try PartyIdentity(
            key: key, certificate: desk.authority.issueParty(publicKey: key.publicKey, name: "site", now: unixNow()),
            authority: desk.authority.certificate)
        await #expect(throws: RenewalError.refused(.notAMember)) {
            try await desk.ask(desk.dial(as: stranger), as: stranger)
        }
        await desk.close()
    }
}
