// SPDX-License-Identifier: MIT

internal import COpenSSL

/// The algorithms fetched from libcrypto's providers, once per process: a fetch costs twice a context.
///
/// Sharing is sound because fetched algorithms are immutable and reference counted under libcrypto's own locks; they
/// live as long as the process.
@safe struct Algorithms: @unchecked Sendable {
    static let shared = Algorithms()

    let sha256: OpaquePointer
    let aes128CTR: OpaquePointer
    let hmac: OpaquePointer

    private init() {
        guard let sha256 = unsafe EVP_MD_fetch(nil, "SHA2-256", nil) else {
            preconditionFailure("libcrypto offers no SHA-256: \(OpenSSLFailure.drainStack())")
        }
        guard let aes128CTR = unsafe EVP_CIPHER_fetch(nil, "AES-128-CTR", nil) else {
            preconditionFailure("libcrypto offers no AES-128-CTR: \(OpenSSLFailure.drainStack())")
        }
        guard let hmac = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else {
            preconditionFailure("libcrypto offers no HMAC: \(OpenSSLFailure.drainStack())")
        }
        unsafe self.sha256 = sha256
        unsafe self.aes128CTR = aes128CTR
        unsafe self.hmac = hmac
    }
}
