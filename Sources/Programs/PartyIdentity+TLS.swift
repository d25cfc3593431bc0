// SPDX-License-Identifier: MIT

import Identity
import TLS

extension PartyIdentity {
    /// Shows this identity in handshakes.
    ///
    /// While one authority takes another's place, what the one has certified of the other is sent along. A coordinator sends its
    /// authority, too: an enrolling site knows that one's fingerprint only (protocol, section 3).
    public var tlsIdentity: TLSIdentity {
        let own = role == .coordinator ? [authority] : []
        let chain = [certificate] + authorities.intermediates(below: certificate) + own
        return TLSIdentity(certificateChainDER: chain.map(\.der), key: key, trustAnchors: authorities.anchors)
    }
}
