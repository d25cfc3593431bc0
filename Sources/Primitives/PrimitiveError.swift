// SPDX-License-Identifier: MIT

/// What can go wrong in the primitives: foreign bytes that are not what they should be, or libcrypto refusing.
public enum PrimitiveError: Error, Equatable, Sendable {
    /// The bytes are not one well-formed X.509 certificate; `reason` says which part of it is not.
    case certificateMalformed(reason: String, stack: [OpenSSLFailure])
    /// The signing key is not the one in the issuer's certificate, or in the certificate itself when self-signed.
    case issuerKeyMismatch
    /// The bytes are not a key.
    case keyMalformed(stack: [OpenSSLFailure])
    /// The key is encrypted, and no passphrase was given.
    case keyEncrypted
    /// The key is not an ECDSA P-256 key in its one accepted encoding (uncompressed point, named curve).
    case keyUnsupported
    /// libcrypto refused an operation that should have worked.
    case operationFailed(operation: String, stack: [OpenSSLFailure])
    /// A passphrase is empty or too long.
    case passphraseUnsuitable
    /// The passphrase does not open the key, or the key is damaged.
    case passphraseWrong
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
        case .keyEncrypted:
            "the key is encrypted, and there is no passphrase to open it"
        case .keyMalformed(let stack):
            "malformed key\(Self.text(stack))"
        case .keyUnsupported:
            "the key is not an ECDSA P-256 key"
        case .operationFailed(let operation, let stack):
            "\(operation) failed\(Self.text(stack))"
        case .passphraseUnsuitable:
            "a passphrase has 1 to \(SigningKey.passphraseBytesMax) bytes"
        case .passphraseWrong:
            "the passphrase does not open the key"
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
