// SPDX-License-Identifier: MIT

import Identity
import TLS

extension PartyIdentity {
    /// Shows this identity in handshakes.
    ///
    /// A coordinator sends its authority along: an enrolling site knows that one's fingerprint only (protocol, section 3).
    public var tlsIdentity: TLSIdentity {
        let chain = role == .coordinator ? [certificate.der, authority.der] : [certificate.der]
        return TLSIdentity(certificateChainDER: chain, key: key, trustAnchors: [authority])
    }
}
