// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Owns one libcrypto key.
///
/// Sharing between threads is sound: libcrypto counts references under a lock, and nothing changes a key once made.
@safe final class KeyHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe EVP_PKEY_free(pointer)
    }

    /// The key's SubjectPublicKeyInfo as libcrypto writes it.
    func subjectPublicKeyInfo() throws(PrimitiveError) -> [UInt8] {
        guard let spki = unsafe DER.encode({ unsafe i2d_PUBKEY(pointer, $0) }) else {
            throw .operationFailed(operation: "encoding a public key", stack: OpenSSLFailure.drainStack())
        }
        return spki
    }
}
