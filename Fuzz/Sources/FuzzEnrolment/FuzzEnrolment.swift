// SPDX-License-Identifier: MIT

import FuzzSupport
import Primitives

@testable import Identity

/// A request of whoever holds no certificate yet, and an answer of whoever may not be the server: refused or taken, with
/// every size within its limit. A request is taken on to its key, as a server does that knows the token. Then request and
/// answer of a renewal.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEnrolment(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let (kind, bytes) = FuzzInput.choice(of: 4, in: FuzzInput.bytes(start, count)) else { return 0 }
    switch kind {
    case 0:
        guard let request = try? EnrolmentRequest(bytes: bytes) else { return 0 }
        demand(request.spki.count == PublicKey.spkiCount, "a key of another length")
        demand(MemberName.isValid(request.name), "a name that is none")
        demand(request.certificateRequest.count <= CertificateRequest.derCountMax, "too long a certificate request")
        _ = try? request.provenKey()
        // As a server reads it that has the key from a proven request.
        guard let federation = FederationName("demo"), let key = try? PublicKey(spki: request.spki),
            let asked = try? request.checkedCertificateRequest(key: key, federation: federation, isNeeded: true)
        else { return 0 }
        demand(asked.publicKey == key, "a request by another key")
    case 1:
        guard let response = EnrolmentResponse(bytes: bytes) else { return 0 }
        demand((try? response.encoded()).flatMap(EnrolmentResponse.init(bytes:)) == response, "it does not come back")
    case 2:
        guard let request = try? RenewalRequest(encoded: bytes) else { return 0 }
        demand((try? RenewalRequest(encoded: request.encoded())) == request, "it does not come back")
    default:
        guard let response = RenewalResponse(encoded: bytes) else { return 0 }
        demand((try? response.encoded()).flatMap(RenewalResponse.init(encoded:)) == response, "it does not come back")
    }
    return 0
}
