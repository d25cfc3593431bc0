// SPDX-License-Identifier: MIT

internal import COpenSSL

/// An ECDSA P-256 key pair held by libcrypto, whose own memory handling wipes it.
public final class SigningKey: Signer {
    private let handle: KeyHandle

    /// The public half.
    public let publicKey: PublicKey

    private init(handle: KeyHandle) throws(PrimitiveError) {
        self.handle = handle
        publicKey = try PublicKey(spki: handle.subjectPublicKeyInfo())
    }

    /// Takes a key that was read, if it is one of P-256 and its halves belong together.
    convenience init(foreign handle: KeyHandle) throws(PrimitiveError) {
        try self.init(handle: handle)
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, handle.pointer, nil) else {
            preconditionFailure("no memory for a key check")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        ERR_clear_error()
        guard unsafe EVP_PKEY_pairwise_check(context) == 1 else {
            throw .keyMalformed(stack: OpenSSLFailure.drainStack())
        }
    }

    /// Makes a new key from libcrypto's generator.
    public static func generate() throws(PrimitiveError) -> SigningKey {
        ERR_clear_error()
        guard let pointer = unsafe summand_generate_p256() else {
            throw .operationFailed(operation: "generating a key", stack: OpenSSLFailure.drainStack())
        }
        return try SigningKey(handle: unsafe KeyHandle(owning: pointer))
    }

    /// Reads an unencrypted PEM private key, PKCS #8 (RFC 5208) or SEC 1 (RFC 5915).
    ///
    /// Throws `keyMalformed`, `keyEncrypted`, or `keyUnsupported` for anything but P-256.
    public convenience init(pem: SecretBytes) throws(PrimitiveError) {
        guard !Self.isEncrypted(pem: pem) else { throw .keyEncrypted }
        let pointer = unsafe pem.withUnsafeBytes { bytes in
            unsafe PEM.read(bytes) { stream in
                // Without a callback libcrypto would ask the terminal for the password of an encrypted key.
                unsafe PEM_read_bio_PrivateKey(stream, nil, { _, _, _, _ in -1 }, nil)
            }
        }
        guard let pointer = unsafe pointer else { throw .keyMalformed(stack: OpenSSLFailure.drainStack()) }
        try self.init(foreign: unsafe KeyHandle(owning: pointer))
    }

    /// Reads an unencrypted PEM private key from a string, which nothing wipes.
    public convenience init(pem: String) throws(PrimitiveError) {
        try self.init(pem: SecretBytes(Array(pem.utf8)))
    }

    /// Reads a DER private key, PKCS #8 or SEC 1, without a byte before or behind it.
    public convenience init(der: SecretBytes) throws(PrimitiveError) {
        let pointer = unsafe der.withUnsafeBytes { bytes in
            unsafe DER.decode(
                bytes, { unsafe d2i_AutoPrivateKey(nil, $0, $1) }, free: { unsafe EVP_PKEY_free($0) })
        }
        guard let pointer = unsafe pointer else { throw .keyMalformed(stack: OpenSSLFailure.drainStack()) }
        try self.init(foreign: unsafe KeyHandle(owning: pointer))
    }

    /// Makes the key of a given private scalar: 32 bytes, most significant first, from 1 to the group's order − 1.
    ///
    /// Throws `keyMalformed` for any other number.
    public convenience init(scalar: SecretBytes) throws(PrimitiveError) {
        guard scalar.count == 32 else { throw .keyMalformed(stack: []) }
        // RFC 5915: ECPrivateKey { 1, the scalar, [0] prime256v1 }; libcrypto computes the public point.
        let version: [UInt8] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20]
        let curve: [UInt8] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
        try self.init(der: SecretBytes(version + scalar.exposedBytes() + curve))
    }

    /// Signs with a nonce from libcrypto's generator: two signatures of one message differ.
    public func sign(_ message: [UInt8]) throws(PrimitiveError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("no memory for a signature") }
        defer { unsafe EVP_MD_CTX_free(context) }
        ERR_clear_error()
        var count = 0
        let md = unsafe Algorithms.shared.sha256
        guard unsafe EVP_DigestSignInit(context, nil, md, nil, handle.pointer) == 1,
            unsafe EVP_DigestSign(context, nil, &count, message, message.count) == 1
        else { throw .operationFailed(operation: "signing", stack: OpenSSLFailure.drainStack()) }
        var signature = [UInt8](repeating: 0, count: count)
        guard unsafe EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
            throw .operationFailed(operation: "signing", stack: OpenSSLFailure.drainStack())
        }
        return Array(signature.prefix(count))
    }

    /// Returns the private key as unencrypted PKCS #8 PEM.
    public func pem() throws(PrimitiveError) -> SecretBytes {
        let written = unsafe PEM.write { stream in
            unsafe PEM_write_bio_PKCS8PrivateKey(stream, handle.pointer, nil, nil, 0, nil, nil)
        }
        guard let written else {
            throw .operationFailed(operation: "encoding a private key", stack: OpenSSLFailure.drainStack())
        }
        return SecretBytes(written)
    }

    /// Returns the private key as PKCS #8 DER; this is how it reaches a TLS context.
    public func der() throws(PrimitiveError) -> SecretBytes {
        guard let info = unsafe EVP_PKEY2PKCS8(handle.pointer) else {
            throw .operationFailed(operation: "encoding a private key", stack: OpenSSLFailure.drainStack())
        }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
        guard let encoded = unsafe DER.encode({ unsafe i2d_PKCS8_PRIV_KEY_INFO(info, $0) }) else {
            throw .operationFailed(operation: "encoding a private key", stack: OpenSSLFailure.drainStack())
        }
        return SecretBytes(encoded)
    }

    /// Lends libcrypto's key to this module.
    func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(handle.pointer)
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Names the key by its public half.
    public var description: String { "SigningKey(\(publicKey.spkiHash.hex.prefix(16))…)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
