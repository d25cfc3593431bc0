// SPDX-License-Identifier: MIT

import Primitives

/// Holds what one side proves itself with, and which authorities it accepts.
///
/// Make one and keep it: what OpenSSL makes of it is made once, and used for every connection that is dialled with it.
public struct TLSIdentity: Sendable {
    /// The certificates sent, leaf first, in DER form. A coordinator includes its authority, so that someone who
    /// holds only the authority's fingerprint can check the chain (protocol section 3, enrolment); one that is a root is
    /// sent to enrolling clients alone.
    public let certificateChainDER: [[UInt8]]
    /// The key of the leaf.
    public let key: SigningKey
    /// The only authorities a peer's chain may end in; the system's are never consulted.
    public let trustAnchors: [Certificate]
    /// What the connections that are dialled with this identity and its copies share. A renewed identity has one of its own.
    let clientContext = SharedContextCell()

    public init(certificateChainDER: [[UInt8]], key: SigningKey, trustAnchors: [Certificate]) {
        self.certificateChainDER = certificateChainDER
        self.key = key
        self.trustAnchors = trustAnchors
    }
}

/// Says what the chain of a peer must end in.
public enum TLSTrust: Sendable {
    /// One of these certificates.
    case anchors([Certificate])
    /// A certificate that the peer sends along, recognized by the SHA-256 of its DER form (an enrolling client knows no more).
    case authority(fingerprint: Digest)
}
