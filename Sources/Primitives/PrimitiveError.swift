// SPDX-License-Identifier: MIT

/// What can go wrong in the primitives: foreign bytes that are not what they should be, or libcrypto refusing.
public enum PrimitiveError: Error, Equatable, Sendable {
    /// The bytes are not one well-formed X.509 certificate; `reason` says which part of it is not.
    case certificateMalformed(reason: String, stack: [OpenSSLFailure])
    /// The signing key is not the one in the issuer's certificate, or in the certificate itself when self-signed.
    case issuerKeyMismatch
    /// The bytes are not a key.
    case keyMalformed(stack: [OpenSSLFailure])
    /// The key is not an ECDSA P-256 key in its one accepted encoding (uncompressed point, named curve).
    case keyUnsupported
    /// libcrypto refused an operation that should have worked.
    case operationFailed(operation: String, stack: [OpenSSLFailure])
    /// The bytes are not one well-formed certificate request (PKCS #10); `reason` says which part of it is not.
    case requestMalformed(reason: String, stack: [OpenSSLFailure])
    /// The request is not signed by the key in it.
    case requestUnsigned
}

extension PrimitiveError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .certificateMalformed(let reason, let stack):
            "malformed certificate: \(reason)\(Self.text(stack))"
        case .issuerKeyMismatch:
            "the signing key does not belong to the issuing certificate"
        case .keyMalformed(let stack):
            "malformed key\(Self.text(stack))"
        case .keyUnsupported:
            "the key is not an ECDSA P-256 key"
        case .operationFailed(let operation, let stack):
            "\(operation) failed\(Self.text(stack))"
        case .requestMalformed(let reason, let stack):
            "malformed certificate request: \(reason)\(Self.text(stack))"
        case .requestUnsigned:
            "the certificate request is not signed by the key in it"
        }
    }

    private static func text(_ stack: [OpenSSLFailure]) -> String {
        stack.isEmpty ? "" : " (" + stack.map(\.description).joined(separator: "; ") + ")"
    }
}
