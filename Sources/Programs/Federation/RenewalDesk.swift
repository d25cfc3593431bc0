// SPDX-License-Identifier: MIT

public import Identity
public import Logging
import Primitives
import Storage
import Synchronization
public import Transport

/// Renews the certificates of members: one request a connection, one answer (protocol section 14, "Renewal").
public final class RenewalDesk: Sendable {
    private let issuer: @Sendable () -> CertificateIssuer
    private let registry: MemberRegistry
    private let logger: Logger
    /// Held from reading the record to writing it, so that two requests of one member lead to one certificate.
    private let answering = Mutex(())

    /// How long a member may take to send its request.
    public static let requestTimeout = Duration.seconds(10)

    /// Renews for members of a registry; who issues is asked for every request, as it may have changed.
    public init(
        registry: MemberRegistry, logger: Logger, issuer: @escaping @Sendable () -> CertificateIssuer
    ) {
        self.issuer = issuer
        self.registry = registry
        self.logger = logger
    }

    /// Serves one connection to its end.
    public func serve(_ connection: Connection) async {
        let watchdog = connection.closeUnlessCancelled(after: Self.requestTimeout)
        defer { watchdog.cancel() }
        do {
            guard let peer = connection.peer,
                case .message(let request)? = try await connection.events.makeAsyncIterator().next()
            else { return await connection.close(reason: .violation) }
            try await connection.send(try answer(request, peer).encoded())
        } catch {
            logger.info("renewal failed", metadata: ["error": "\(error)", "from": "\(connection.remoteAddress)"])
        }
        await connection.close()
    }

    /// Answers a request; a new certificate is recorded before it goes out.
    private func answer(_ request: [UInt8], _ peer: PeerIdentity) throws -> RenewalResponse {
        try answering.withLock { _ in
            let stored = try registry.store.members().first { $0.spki == peer.publicKey.spki && $0.revokedAt == nil }
            let member = stored.map {
                RenewalAuthority.Member(
                    publicKey: peer.publicKey, name: $0.name, certificate: $0.parsedCertificate)
            }
            let answer = try RenewalAuthority(issuer: issuer()).answer(
                requestBytes: request, key: peer.publicKey, member: member, now: unixNow())
            if let stored, let issued = answer.issued {
                try registry.store.renew(stored.id, certificate: issued.der)
                logger.info("a certificate was renewed", metadata: ["name": "\(stored.name)", "party": "\(stored.id)"])
            }
            if case .refused(let refusal) = answer.response {
                logger.warning(
                    "a certificate was not renewed",
                    metadata: ["party": "\(PartyID(publicKey: peer.publicKey))", "reason": "\(refusal)"])
            }
            return answer.response
        }
    }
}
