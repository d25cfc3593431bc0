// SPDX-License-Identifier: MIT

internal import COpenSSL

/// HMAC-SHA256 with one context for many keys; `HMACSHA256` makes a context for every call.
///
/// libcrypto wipes the key of a call when the next one begins or the context goes.
@safe struct KeyedHash: ~Copyable {
    private let context: OpaquePointer

    init() {
        guard let context = unsafe summand_hmac_sha256_new(Algorithms.shared.hmac) else {
            preconditionFailure("no memory for a MAC")
        }
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MAC_CTX_free(context)
    }

    /// Lends the MAC of `len8(dst) ‖ dst ‖ binder` under `key` to `body` and wipes it.
    mutating func withTag<Result>(
        key: SecretBytes, dst: [UInt8], binder: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        precondition(dst.count <= 255, "a domain separation tag has at most 255 bytes")
        return unsafe withUnsafeTemporaryAllocation(byteCount: Digest.count, alignment: 16) { tag in
            defer { unsafe OPENSSL_cleanse(tag.baseAddress, tag.count) }
            unsafe key.withUnsafeBytes { key in
                // Storage is never null, not even that of an empty key, which would mean "the key of the call before".
                let start = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
                requireSuccess(unsafe EVP_MAC_init(context, start, key.count, nil) == 1, "keying HMAC-SHA256")
            }
            unsafe withUnsafeBytes(of: UInt8(dst.count)) { unsafe update($0) }
            unsafe dst.withUnsafeBytes { unsafe update($0) }
            unsafe binder.withUnsafeBytes { unsafe update($0) }
            var written = 0
            let start = unsafe tag.baseAddress?.assumingMemoryBound(to: UInt8.self)
            requireSuccess(
                unsafe EVP_MAC_final(context, start, &written, tag.count) == 1 && written == tag.count, "HMAC-SHA256")
            return unsafe body(UnsafeRawBufferPointer(tag))
        }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        requireSuccess(unsafe EVP_MAC_update(context, start, bytes.count) == 1, "HMAC-SHA256")
    }
}
