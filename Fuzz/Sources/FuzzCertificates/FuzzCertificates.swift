// SPDX-License-Identifier: MIT

import FuzzSupport
import Identity
import Primitives

/// A certificate, only the URI in it, or a request for one: whoever it names, it names in one way, and a party by its own key.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCertificates(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let (kind, bytes) = FuzzInput.choice(of: 3, in: FuzzInput.bytes(start, count)) else { return 0 }
    if kind == 0 {
        let uri = String(decoding: bytes, as: UTF8.self)
        guard let (federation, role) = PartyRole.parse(uri: uri) else { return 0 }
        demand(role.uri(in: federation) == uri, "two URIs for one role")
    } else if kind == 2 {
        guard let request = try? CertificateRequest(der: bytes) else { return 0 }
        demand(request.der == bytes, "other bytes than were given")
        demand((try? CertificateRequest(pem: request.pem)) == request, "it does not come back")
    } else {
        guard let certificate = try? Certificate(der: bytes) else { return 0 }
        guard let certified = try? CertifiedRole(certificate: certificate) else { return 0 }
        let uri = certified.role.uri(in: certified.federation)
        demand(certificate.uris == [uri], "another name than the certificate's")
        if case .party(let party) = certified.role {
            demand(party == PartyID(publicKey: certified.publicKey), "a party with the key of another")
        }
    }
    return 0
}
