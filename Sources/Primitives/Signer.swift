// SPDX-License-Identifier: MIT

/// Signs with ECDSA P-256 and SHA-256 (FIPS 186-5); injected, so that a run can be replayed with chosen signatures and
/// a key can live outside the process.
public protocol Signer: Sendable {
    /// The key under which the signatures verify.
    var publicKey: PublicKey { get }

    /// Returns the DER signature (RFC 3279, section 2.2.3) over `message`.
    func sign(_ message: [UInt8]) throws -> [UInt8]
}
