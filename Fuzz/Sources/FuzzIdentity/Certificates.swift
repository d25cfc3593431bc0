// SPDX-License-Identifier: MIT

import FuzzSupport
import Identity
import Primitives

/// A certificate, only the URI in it, or a request for one: whoever it names, it names in one way, and a party by its own key.
func fuzzCertificates(_ input: FuzzInput) {
    guard let (kind, bytes) = input.choice(of: 3) else { return }
    switch kind {
    case 0:
        let uri = String(decoding: bytes, as: UTF8.self)
        guard let (federation, role) = PartyRole.parse(uri: uri) else { return }
        demand(role.uri(in: federation) == uri, "two URIs for one role")
    case 1:
        guard let certificate = try? Certificate(der: bytes),
            let certified = try? CertifiedRole(certificate: certificate)
        else { return }
        let uri = certified.role.uri(in: certified.federation)
        demand(certificate.uris == [uri], "another name than the certificate's")
        if case .party(let party) = certified.role {
            demand(party == PartyID(publicKey: certified.publicKey), "a party with the key of another")
        }
    default:
        guard let request = try? CertificateRequest(der: bytes) else { return }
        demand(request.der == bytes, "other bytes than were given")
        demand((try? CertificateRequest(pem: request.pem)) == request, "it does not come back")
    }
}
