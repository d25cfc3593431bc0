// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Keys as files hold them under a passphrase: encrypted PKCS #8 (RFC 5958) by PBES2 (RFC 8018, section 6.2).
extension SigningKey {
    /// The rounds of PBKDF2 with HMAC-SHA-256 that a guess at a passphrase costs: some tenths of a second.
    ///
    /// PBKDF2 and not scrypt, because a provider that is confined to approved algorithms has no other.
    public static let passphraseIterations: Int32 = 600_000
    /// The most bytes of a passphrase.
    public static let passphraseBytesMax = 1_024
    private static let saltCount = 16

    /// Whether a PEM text says that the key in it is encrypted.
    public static func isEncrypted(pem: SecretBytes) -> Bool {
        let marks = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"].map { Array($0.utf8) }
        return unsafe pem.withUnsafeBytes { text in
            marks.contains { mark in
                guard text.count >= mark.count else { return false }
                return (0...text.count - mark.count).contains { start in
                    unsafe text[start..<start + mark.count].elementsEqual(mark)
                }
            }
        }
    }

    /// Reads an encrypted PEM private key.
    ///
    /// Throws `passphraseWrong` when it does not open: a damaged key cannot be told from a wrong passphrase. Otherwise as
    /// `init(pem:)`, also for a key that is not encrypted.
    public convenience init(pem: SecretBytes, passphrase: SecretBytes) throws(PrimitiveError) {
        guard Self.isEncrypted(pem: pem) else {
            try self.init(pem: pem)
            return
        }
        let pointer = unsafe pem.withUnsafeBytes { text in
            unsafe passphrase.withUnsafeBytes { secret in
                var lent = unsafe secret
                return unsafe withUnsafeMutablePointer(to: &lent) { lent in
                    unsafe PEM.read(text) { unsafe PEM_read_bio_PrivateKey($0, nil, lendPassphrase, lent) }
                }
            }
        }
        guard let pointer = unsafe pointer else {
            ERR_clear_error()
            throw .passphraseWrong
        }
        try self.init(foreign: unsafe KeyHandle(owning: pointer))
    }

    /// Returns the private key as PKCS #8 PEM that only the passphrase opens: PBKDF2 with HMAC-SHA-256, a random salt of 16
    /// bytes and `passphraseIterations` rounds, then AES-256-CBC.
    ///
    /// Throws `passphraseUnsuitable` for one that is empty or longer than `passphraseBytesMax`.
    public func pem(passphrase: SecretBytes) throws(PrimitiveError) -> SecretBytes {
        guard (1...Self.passphraseBytesMax).contains(passphrase.count) else { throw .passphraseUnsuitable }
        ERR_clear_error()
        guard let info = unsafe withHandle({ unsafe EVP_PKEY2PKCS8($0) }) else { throw Self.failure() }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
        var salt = SecureRandom.bytes(Self.saltCount)
        // The initialization vector is drawn by libcrypto, which keeps it in the algorithm's parameters.
        guard
            let algorithm = unsafe PKCS5_pbe2_set_iv(
                EVP_aes_256_cbc(), Self.passphraseIterations, &salt, Int32(salt.count), nil, NID_hmacWithSHA256)
        else { throw Self.failure() }
        let sealed = unsafe passphrase.withUnsafeBytes { secret in
            let start = unsafe secret.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe PKCS8_set0_pbe(start, Int32(secret.count), info, algorithm)
        }
        guard let sealed = unsafe sealed else {
            unsafe X509_ALGOR_free(algorithm)
            throw Self.failure()
        }
        // It owns the algorithm from here on.
        defer { unsafe X509_SIG_free(sealed) }
        guard let written = unsafe PEM.write({ unsafe PEM_write_bio_PKCS8($0, sealed) }) else { throw Self.failure() }
        return SecretBytes(written)
    }

    private static func failure() -> PrimitiveError {
        .operationFailed(operation: "encrypting a private key", stack: OpenSSLFailure.drainStack())
    }
}

/// Gives libcrypto the passphrase that `context` points at; −1 if it takes less.
private func lendPassphrase(
    buffer: UnsafeMutablePointer<CChar>?, size: Int32, _: Int32, context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let buffer = unsafe buffer,
        let secret = unsafe context?.assumingMemoryBound(to: UnsafeRawBufferPointer.self).pointee,
        secret.count <= Int(size)
    else { return -1 }
    unsafe UnsafeMutableRawBufferPointer(start: buffer, count: Int(size)).copyMemory(from: secret)
    return Int32(secret.count)
}
