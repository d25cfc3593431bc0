// SPDX-License-Identifier: MIT

import Primitives
import SwiftProtobuf

/// The server's answer to a request.
enum EnrolmentResponse: Equatable {
    case granted(certificate: Certificate, authority: Certificate)
    case refused(EnrolmentRefusal)

    func encoded() throws -> [UInt8] {
        var response = WireEnrollmentResponse()
        switch self {
        case .granted(let certificate, let authority):
            response.grant.certificate = .init(certificate.der)
            response.grant.authority = .init(authority.der)
        case .refused(let refusal):
            response.refusal.reason = refusal.wire
        }
        return try response.serializedBytes()
    }

    init?(bytes: [UInt8]) {
        guard bytes.count <= Enrolment.responseBytesMax,
            let response = try? WireEnrollmentResponse(serializedBytes: bytes)
        else { return nil }
        switch response.answer {
        case .grant(let grant):
            guard let certificate = try? Certificate(der: [UInt8](grant.certificate)),
                let authority = try? Certificate(der: [UInt8](grant.authority))
            else { return nil }
            self = .granted(certificate: certificate, authority: authority)
        case .refusal(let refusal):
            guard let reason = EnrolmentRefusal(wire: refusal.reason) else { return nil }
            self = .refused(reason)
        case nil:
            return nil
        }
    }
}
