// SPDX-License-Identifier: MIT

public import Primitives
import SwiftProtobuf

/// A member's request, whose sender the connection has proved.
public struct RenewalRequest: Equatable, Sendable {
    /// What an authority that signs elsewhere needs; nil where none was made.
    public let request: CertificateRequest?

    /// Asks, with a request for an authority that signs elsewhere if there is one.
    public init(request: CertificateRequest? = nil) { self.request = request }

    /// Parses a request; throws `malformed`.
    public init(encoded bytes: [UInt8]) throws(RenewalRefusal) {
        guard bytes.count <= Renewal.requestBytesMax, let wire = try? WireRenewalRequest(serializedBytes: bytes) else {
            throw .malformed
        }
        guard !wire.request.isEmpty else {
            request = nil
            return
        }
        guard let request = try? CertificateRequest(der: [UInt8](wire.request)) else { throw .malformed }
        self.request = request
    }

    /// Encodes the request.
    public func encoded() throws -> [UInt8] {
        try WireRenewalRequest.with { wire in
            if let request { wire.request = .init(request.der) }
        }.serializedBytes()
    }
}

/// The coordinator's answer, not yet believed.
public enum RenewalResponse: Equatable, Sendable {
    /// A certificate, and the federation's authority.
    case granted(Certificate, authorities: [Certificate])
    /// None, and why.
    case refused(RenewalRefusal)

    /// The most certificates of authorities in an answer.
    public static let authoritiesMax = Authorities.countMax

    /// Parses a response; nil unless every certificate in it does.
    public init?(encoded bytes: [UInt8]) {
        guard bytes.count <= Renewal.responseBytesMax,
            let wire = try? WireRenewalResponse(serializedBytes: bytes)
        else { return nil }
        switch wire.answer {
        case .grant(let grant):
            guard (1...Self.authoritiesMax).contains(grant.authorities.count),
                let certificate = try? Certificate(der: [UInt8](grant.certificate))
            else { return nil }
            let authorities = grant.authorities.compactMap { try? Certificate(der: [UInt8]($0)) }
            guard authorities.count == grant.authorities.count else { return nil }
            self = .granted(certificate, authorities: authorities)
        case .refusal(let refusal):
            guard let reason = RenewalRefusal(wire: refusal.reason) else { return nil }
            self = .refused(reason)
        case nil:
            return nil
        }
    }

    /// Encodes the response.
    public func encoded() throws -> [UInt8] {
        var wire = WireRenewalResponse()
        switch self {
        case .granted(let certificate, let authorities):
            wire.grant.certificate = .init(certificate.der)
            wire.grant.authorities = authorities.map { .init($0.der) }
        case .refused(let refusal): wire.refusal.reason = refusal.wire
        }
        return try wire.serializedBytes()
    }
}
