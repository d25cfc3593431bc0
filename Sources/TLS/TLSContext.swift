// SPDX-License-Identifier: MIT

internal import COpenSSL
import Primitives

/// Makes sessions of one side: TLS 1.3 only, P-256 certificates, no session tickets, no resumption, no early data.
///
/// A client's context is cheap: what takes time and memory to make, OpenSSL's own context with certificates, key and store,
/// is made once for an identity and shared by all of its connections. What differs between connections, the protocol
/// and the policy, is each session's.
public final class TLSContext: Sendable {
    /// Judges a leaf whose chain and dates are already accepted; nil accepts it.
    public typealias CertificatePolicy = @Sendable (Certificate) -> CertificateFailure?

    let shared: SharedContext
    private let trust: TLSTrust
    private let policy: CertificatePolicy
    private let isServer: Bool
    /// What a server supports, or the one protocol a client offers.
    private let protocols: [ApplicationProtocol]

    /// Makes the context of a server that supports `protocols`, in its order of preference.
    ///
    /// - Throws: `TLSError.configuration` when OpenSSL does not take a certificate or the key.
    public convenience init(
        serving protocols: [ApplicationProtocol], as identity: TLSIdentity, policy: @escaping CertificatePolicy
    ) throws(TLSError) {
        try self.init(
            isServer: true, identity: identity, protocols: protocols, trust: .anchors(identity.trustAnchors),
            policy: policy)
    }

    /// Makes the context of a client that offers one protocol; without an identity it shows no certificate.
    ///
    /// - Throws: `TLSError.configuration` when OpenSSL does not take a certificate or the key.
    public convenience init(
        offering applicationProtocol: ApplicationProtocol, as identity: TLSIdentity?, trust: TLSTrust,
        policy: @escaping CertificatePolicy
    ) throws(TLSError) {
        try self.init(
            isServer: false, identity: identity, protocols: [applicationProtocol], trust: trust, policy: policy)
    }

    private init(
        isServer: Bool, identity: TLSIdentity?, protocols: [ApplicationProtocol], trust: TLSTrust,
        policy: @escaping CertificatePolicy
    ) throws(TLSError) {
        self.isServer = isServer
        self.protocols = protocols
        self.trust = trust
        self.policy = policy
        let anchors: [Certificate]
        if case .anchors(let certificates) = trust { anchors = certificates } else { anchors = [] }
        if !isServer, let identity, anchors == identity.trustAnchors {
            shared = try identity.clientContext.get { () throws(TLSError) in
                try SharedContext(isServer: false, identity: identity, anchors: anchors)
            }
        } else {
            shared = try SharedContext(isServer: isServer, identity: identity, anchors: anchors)
        }
    }

    /// Makes a session; it belongs to whoever called, one thread at a time.
    public func makeSession() throws(TLSError) -> TLSSession {
        let verifier = PeerVerifier(
            trust: trust, supported: isServer ? protocols : [], roots: shared.roots, policy: policy)
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(shared.pointer) else { throw .configuration(step: "SSL_new", .takeAll()) }
        return try unsafe TLSSession(
            owning: ssl, verifier: verifier, isServer: isServer, offered: isServer ? nil : protocols.first)
    }
}
