// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Hashes with SHA-256 what arrives in pieces; a value like any other, copied on write.
public struct SHA256Hasher: Sendable {
    private var context = Context()

    /// Starts a hash of nothing.
    public init() {}

    /// Appends `bytes` to what is hashed.
    public mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Appends a part of an array to what is hashed.
    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Appends the memory of `bytes` to what is hashed.
    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Appends a secret to what is hashed, which no other memory than libcrypto's context sees.
    public mutating func update(_ secret: SecretBytes) {
        unsafe secret.withUnsafeBytes { unsafe update($0) }
    }

    /// Returns the hash of everything appended so far as a key, itself a secret that is wiped.
    public func finalizeKey() -> SecretBytes {
        unsafe SecretBytes(count: Digest.count) { unsafe Context(copying: context).finish(into: $0) }
    }

    /// Returns the hash of everything appended so far; more can be appended afterwards.
    public func finalize() -> Digest {
        Context(copying: context).finish()
    }

    /// Returns the hash of everything appended so far and starts again with nothing.
    mutating func finalizeAndRestart() -> Digest {
        makeUnique()
        let digest = context.finish()
        context.start()
        return digest
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        makeUnique()
        unsafe context.update(bytes)
    }

    private mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&context) {
            context = Context(copying: context)
        }
    }
}

extension SHA256Hasher {
    /// Owns one libcrypto context.
    ///
    /// Sharing between threads is sound because the hasher changes a context only while it holds the one reference.
    @safe private final class Context: @unchecked Sendable {
        private let pointer: OpaquePointer

        init() {
            guard let pointer = unsafe EVP_MD_CTX_new() else {
                preconditionFailure("no memory for a hash")
            }
            unsafe self.pointer = pointer
            start()
        }

        init(copying other: Context) {
            guard let pointer = unsafe EVP_MD_CTX_new() else {
                preconditionFailure("no memory for a hash")
            }
            unsafe self.pointer = pointer
            requireSuccess(unsafe EVP_MD_CTX_copy_ex(pointer, other.pointer) == 1, "copying a SHA-256 state")
        }

        deinit {
            unsafe EVP_MD_CTX_free(pointer)
        }

        func start() {
            requireSuccess(
                unsafe EVP_DigestInit_ex2(pointer, Algorithms.shared.sha256, nil) == 1, "starting SHA-256")
        }

        func update(_ bytes: UnsafeRawBufferPointer) {
            requireSuccess(unsafe EVP_DigestUpdate(pointer, bytes.baseAddress, bytes.count) == 1, "SHA-256")
        }

        func finish() -> Digest {
            var output = [UInt8](repeating: 0, count: Digest.count)
            unsafe output.withUnsafeMutableBytes { unsafe finish(into: $0) }
            return Digest(unchecked: output)
        }

        /// Writes the 32 bytes of the hash over `output`.
        func finish(into output: UnsafeMutableRawBufferPointer) {
            assert(output.count == Digest.count)
            let start = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            requireSuccess(unsafe EVP_DigestFinal_ex(pointer, start, nil) == 1, "SHA-256")
        }
    }
}
