// SPDX-License-Identifier: MIT

public import Primitives

/// The keys that are shut out, by the SHA-256 of their SubjectPublicKeyInfo: no renewed certificate brings one back.
public struct Revocation: Sendable, Equatable {
    /// The hashes of the revoked keys.
    public private(set) var spkiHashes: Set<Digest>

    /// Starts with the given keys revoked.
    public init(_ spkiHashes: Set<Digest> = []) {
        self.spkiHashes = spkiHashes
    }

    /// Revokes a key, for ever.
    public mutating func revoke(_ spkiHash: Digest) {
        spkiHashes.insert(spkiHash)
    }

    /// Whether a key is revoked.
    public func contains(_ spkiHash: Digest) -> Bool {
        spkiHashes.contains(spkiHash)
    }

    /// Whether a certificate is for a revoked key; one without a usable key counts as revoked.
    public func contains(_ certificate: Certificate) -> Bool {
        guard let key = certificate.publicKey else { return true }
        return contains(key.spkiHash)
    }
}
