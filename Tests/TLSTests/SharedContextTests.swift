// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import TLS

/// What the connections of one identity share, and what they must not.
@Suite struct SharedContextTests {
    let fixture: Fixture
    let server: TLSIdentity
    let client: TLSIdentity

    init() throws {
        fixture = try Fixture()
        server = try fixture.identity()
        client = try fixture.identity(uri: "spiffe://demo/party/00")
    }

    private func context(
        _ identity: TLSIdentity, offering: ApplicationProtocol = .federation, trust: TLSTrust? = nil,
        policy: @escaping TLSContext.CertificatePolicy = { _ in nil }
    ) throws -> TLSContext {
        try TLSContext(
            offering: offering, as: identity, trust: trust ?? .anchors([fixture.authority]), policy: policy)
    }

    private func serving(_ identity: TLSIdentity) throws -> TLSContext {
        try TLSContext(serving: [.federation, .averaging], as: identity) { _ in nil }
    }

    @Test func anIdentityAndItsCopiesHaveOneContext() throws {
        let copy = client
        let first = try context(client)
        #expect(try context(copy, offering: .averaging).shared === first.shared)
        #expect(try context(fixture.identity()).shared !== first.shared)
    }

    @Test func contextsAskedForAtOnceAreOne() async throws {
        let shared = try await withThrowingTaskGroup(of: ObjectIdentifier.self) { group in
            for _ in 0..<32 { group.addTask { ObjectIdentifier(try context(client).shared) } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(shared.count == 1)
    }

    /// Two connections of one identity, step by step at the same time.
    @Test func policyAndProtocolAreTheConnections() throws {
        let accepting = try Pair(client: context(client, offering: .averaging), server: serving(server))
        let refusing = try Pair(client: context(client) { _ in .revoked }, server: serving(server))
        let plain = try Pair(client: context(client), server: serving(server))
        let refusal = refusing.shakeHands()
        let (first, second) = (accepting.shakeHands(), plain.shakeHands())
        #expect(refusal.client == .certificateRejected(.revoked))
        #expect(first.client == nil && first.server == nil && second.client == nil && second.server == nil)
        #expect(accepting.server.applicationProtocol == .averaging)
        #expect(plain.server.applicationProtocol == .federation)
        #expect(plain.client.peerChain.map(\.der) == server.certificateChainDER)
    }

    /// Revocations and pins are asked for anew in every handshake.
    @Test func aPolicyThatChangesItsMindIsHeardByTheNextConnection() throws {
        let shared = try context(client)
        let first = try Pair(client: shared, server: serving(server))
        #expect(first.shakeHands().client == nil)
        let second = try Pair(client: context(client) { _ in .revoked }, server: serving(server))
        #expect(second.shakeHands().client == .certificateRejected(.revoked))
    }

    @Test func otherAnchorsAreNotTheIdentitys() throws {
        let other = try Fixture(name: "other")
        _ = try context(client)
        let strange = try Pair(
            client: context(client, trust: .anchors([other.authority])), server: serving(server))
        #expect(strange.shakeHands().client == .certificateRejected(.unknownAuthority))
        let pinned = try Pair(
            client: context(client, trust: .authority(fingerprint: other.authority.fingerprint)),
            server: serving(server))
        #expect(
            pinned.shakeHands().client
                == .certificateRejected(.wrongAuthority(expected: other.authority.fingerprint)))
    }

    @Test func aRenewedIdentityShowsItsNewCertificate() throws {
        let renewed = try fixture.identity(uri: "spiffe://demo/party/00")
        for identity in [client, renewed, client] {
            let pair = try Pair(client: context(identity), server: serving(server))
            #expect(pair.shakeHands().server == nil)
            #expect(pair.server.peerChain.first?.der == identity.certificateChainDER.first)
        }
    }

    @Test func anIdentityThatOpenSSLRefusesIsRefusedEveryTime() throws {
        let wrong = TLSIdentity(
            certificateChainDER: client.certificateChainDER, key: server.key, trustAnchors: [fixture.authority])
        for _ in 0..<2 { #expect(throws: TLSError.self) { try context(wrong) } }
    }
}
