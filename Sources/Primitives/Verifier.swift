// SPDX-License-Identifier: MIT

/// Verifies signatures under public keys; injected beside `Signer`, so that the simulator can sign with a keyed hash.
public protocol Verifier: Sendable {
    /// Whether `signature` is one of `message` under `key`, with nothing before or behind it.
    func isValid(signature: [UInt8], for message: [UInt8], under key: PublicKey) -> Bool
}

/// Verifies ECDSA P-256 with SHA-256 in DER (FIPS 186-5): what every program uses.
public struct ECDSAVerifier: Verifier {
    /// Makes a verifier; all are alike.
    public init() {}

    public func isValid(signature: [UInt8], for message: [UInt8], under key: PublicKey) -> Bool {
        key.isValid(signature: signature, for: message)
    }
}
