// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import NIOConcurrencyHelpers
import TLS
import Testing

@testable import Transport

/// A federation made at run time: an authority, and identities of any role and validity.
struct TestFederation {
    let name: FederationName
    let key: SigningKey
    let authority: Certificate
    let coordinator: TLSIdentity
    let party: TLSIdentity

    init(_ name: String = "demo") throws {
        self.name = try #require(FederationName(name))
        key = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        authority = try Certificate.issue(
            CertificateTemplate(
                subject: "\(name) CA", isAuthority: true, notBefore: now - 3_600, notAfter: now + 3_600),
            publicKey: key.publicKey, issuer: nil, signer: key)
        coordinator = try Self.issue(.coordinator, self.name, authority, key)
        party = try Self.issue(nil, self.name, authority, key)
    }

    /// A party's identity whose leaf is valid from and to the given seconds from now.
    func newParty(from: Int64 = -60, to: Int64 = 600) throws -> TLSIdentity {
        try Self.issue(nil, name, authority, key, from: from, to: to)
    }

    /// A coordinator's listener on a port that the system chooses.
    func listen(
        alpns: [ApplicationProtocol] = [.federation],
        isRevoked: @escaping @Sendable (Certificate) -> Bool = { _ in false },
        meter: ByteMeter? = nil, configuration: TransportConfiguration = TransportConfiguration()
    ) async throws -> Listener {
        try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: coordinator, alpns: alpns, isRevoked: isRevoked, meter: meter,
            configuration: configuration)
    }

    /// Dials a listener as a party, expecting the coordinator unless told otherwise.
    func dial(
        _ listener: Listener, as identity: TLSIdentity? = nil, expecting: PeerExpectation? = nil,
        meter: ByteMeter? = nil, configuration: TransportConfiguration = TransportConfiguration()
    ) async throws -> Connection {
        try await Transport.dial(
            host: "127.0.0.1", port: listener.port, identity: identity ?? party,
            expecting: expecting ?? .coordinator(federation: name), meter: meter, configuration: configuration)
    }

    /// Both ends of a new connection.
    func connect(
        _ listener: Listener, meter: ByteMeter? = nil, configuration: TransportConfiguration = TransportConfiguration()
    ) async throws -> (client: Connection, server: Connection) {
        let client = try await dial(listener, meter: meter, configuration: configuration)
        return (client, try await listener.accept())
    }

    /// - Parameter role: nil for the party that the new key names.
    private static func issue(
        _ role: PartyRole?, _ name: FederationName, _ authority: Certificate, _ key: SigningKey, from: Int64 = -60,
        to: Int64 = 600
    ) throws -> TLSIdentity {
        let leafKey = try SigningKey.generate()
        let now = Int64(Date().timeIntervalSince1970)
        let role = role ?? .party(PartyID(publicKey: leafKey.publicKey))
        let leaf = try Certificate.issue(
            CertificateTemplate(
                subject: "leaf", uris: [role.uri(in: name)], notBefore: now + from, notAfter: now + to),
            publicKey: leafKey.publicKey, issuer: authority, signer: key)
        return TLSIdentity(
            certificateChainDER: [leaf.der, authority.der], key: leafKey, trustAnchors: [authority])
    }
}

extension TLSIdentity {
    /// The leaf, parsed.
    var leaf: Certificate { get throws { try Certificate(der: certificateChainDER[0]) } }
}

extension Listener {
    /// The next accepted connection.
    func accept() async throws -> Connection {
        for await connection in connections { return connection }
        throw CancellationError()
    }
}

extension Connection {
    /// The next event, which must be a message.
    func message() async throws -> [UInt8] {
        guard case .message(let bytes) = try await events.makeAsyncIterator().next() else {
            throw ConnectionError.streamNotEnded
        }
        return bytes
    }

    /// The next event, which must be a stream.
    func stream() async throws -> IncomingStream {
        guard case .stream(let stream) = try await events.makeAsyncIterator().next() else {
            throw ConnectionError.streamNotEnded
        }
        return stream
    }
}

/// Waits until `condition` holds, for a minute at most; returns whether it does.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<6_000 {
        if condition() { return true }
        // What is waited for happens on another thread, or in another program, that offers nothing to wait on.
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

/// A number that several tasks count up.
final class Counter: Sendable {
    private let state = NIOLockedValueBox(0)

    var value: Int { state.withLockedValue { $0 } }

    func add(_ count: Int) { state.withLockedValue { $0 += count } }
}
