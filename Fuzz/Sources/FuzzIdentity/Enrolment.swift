// SPDX-License-Identifier: MIT

import FuzzSupport
import Primitives

@testable import Identity

/// A request of whoever holds no certificate yet, and an answer of whoever may not be the server: refused or taken, with
/// every size within its limit. Then request and answer of a renewal. The last kind takes a request on to its proven key and
/// what it asks to be certified, as a server does that knows the token; the others have no signature verified, which takes
/// longer than all else.
func fuzzEnrolment(_ input: FuzzInput) {
    guard let (kind, bytes) = input.choice(of: 5) else { return }
    switch kind {
    case 0, 4:
        guard let request = try? EnrolmentRequest(bytes: bytes) else { return }
        demand(request.spki.count == PublicKey.spkiCount, "a key of another length")
        demand(MemberName.isValid(request.name), "a name that is none")
        demand(request.certificateRequest.count <= CertificateRequest.derCountMax, "too long a certificate request")
        if kind == 4 { _ = try? request.provenKey() }
        // As a server reads it that has the key from a proven request.
        guard let key = try? PublicKey(spki: request.spki), kind == 4, let federation,
            let asked = try? request.checkedCertificateRequest(key: key, federation: federation, isNeeded: true)
        else { return }
        demand(asked.publicKey == key, "a request by another key")
    case 1:
        guard let response = EnrolmentResponse(bytes: bytes) else { return }
        demand((try? response.encoded()).flatMap(EnrolmentResponse.init(bytes:)) == response, "it does not come back")
    case 2:
        guard let request = try? RenewalRequest(encoded: bytes) else { return }
        demand((try? RenewalRequest(encoded: request.encoded())) == request, "it does not come back")
    default:
        guard let response = RenewalResponse(encoded: bytes) else { return }
        demand((try? response.encoded()).flatMap(RenewalResponse.init(encoded:)) == response, "it does not come back")
    }
}

private let federation = FederationName("demo")
