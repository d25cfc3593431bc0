// SPDX-License-Identifier: MIT

internal import COpenSSL

/// HKDF with SHA-256 (RFC 5869), extract and expand in one step.
public enum HKDFSHA256 {
    /// The most bytes one derivation yields: 255 blocks.
    public static let countMax = 255 * Digest.count

    /// Derives `count` bytes, 1 to `countMax`, from `inputKey`, which must not be empty.
    public static func derive(
        salt: [UInt8], inputKey: SecretBytes, info: [UInt8], count: Int = Digest.count
    ) -> SecretBytes {
        precondition(count > 0 && count <= countMax, "HKDF yields 1 to \(countMax) bytes")
        precondition(inputKey.count > 0, "HKDF needs a key")
        guard let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else {
            preconditionFailure("libcrypto offers no HKDF: \(OpenSSLFailure.drainStack())")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        requireSuccess(unsafe EVP_PKEY_derive_init(context) == 1, "HKDF")
        requireSuccess(unsafe EVP_PKEY_CTX_set_hkdf_md(context, Algorithms.shared.sha256) == 1, "HKDF hash")
        if !salt.isEmpty {
            requireSuccess(unsafe EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1, "HKDF salt")
        }
        if !info.isEmpty {
            requireSuccess(unsafe EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1, "HKDF info")
        }
        unsafe inputKey.withUnsafeBytes { key in
            let start = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
            requireSuccess(unsafe EVP_PKEY_CTX_set1_hkdf_key(context, start, Int32(key.count)) == 1, "HKDF key")
        }
        return unsafe SecretBytes(count: count) { output in
            var written = output.count
            let start = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            requireSuccess(
                unsafe EVP_PKEY_derive(context, start, &written) == 1 && written == count, "HKDF")
        }
    }
}
