// SPDX-License-Identifier: MIT

internal import COpenSSL
internal import Synchronization

/// An ECDSA P-256 public key in its one accepted encoding, so that equal keys have equal bytes and one hash.
public struct PublicKey: Hashable, Sendable {
    /// SubjectPublicKeyInfo of a P-256 key up to the 64 bytes of the point: id-ecPublicKey, prime256v1, uncompressed.
    private static let prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce,
        0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ]

    /// The number of bytes of every accepted SubjectPublicKeyInfo.
    public static let spkiCount = 91

    /// The DER SubjectPublicKeyInfo (RFC 5480), 91 bytes.
    public let spki: [UInt8]

    /// The SHA-256 of `spki`: what pins and revocations name, and what survives a renewed certificate.
    public let spkiHash: Digest

    private let handle: KeyHandle

    /// Reads a SubjectPublicKeyInfo.
    ///
    /// Throws `keyUnsupported` for another algorithm, curve or point form, `keyMalformed` for a point off the curve.
    public init(spki: [UInt8]) throws(PrimitiveError) {
        if let known = Self.known.withLock({ $0[spki] }) {
            self = known
            return
        }
        try self.init(parsing: spki)
        let key = self
        Self.known.withLock { known in
            if known.count >= Self.knownMax { known = [:] }
            known[spki] = key
        }
    }

    /// Keys that were read before: proposals name the same members again and again, and libcrypto takes long to read one.
    private static let known = Mutex<[[UInt8]: PublicKey]>([:])

    /// The members of two of the largest epochs.
    private static let knownMax = 2_048

    private init(parsing spki: [UInt8]) throws(PrimitiveError) {
        guard spki.count == Self.spkiCount, spki.starts(with: Self.prefix) else { throw .keyUnsupported }
        let pointer = unsafe spki.withUnsafeBytes { bytes in
            unsafe DER.decode(bytes, { unsafe d2i_PUBKEY(nil, $0, $1) }, free: { unsafe EVP_PKEY_free($0) })
        }
        guard let pointer = unsafe pointer else { throw .keyMalformed(stack: OpenSSLFailure.drainStack()) }
        self.spki = spki
        spkiHash = SHA256.hash(spki)
        handle = unsafe KeyHandle(owning: pointer)
    }

    /// Whether `signature` is a DER ECDSA signature of `message` under this key, with nothing before or behind it.
    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("no memory for a signature") }
        defer { unsafe EVP_MD_CTX_free(context) }
        ERR_clear_error()
        defer { ERR_clear_error() }
        let md = unsafe Algorithms.shared.sha256
        requireSuccess(
            unsafe EVP_DigestVerifyInit(context, nil, md, nil, handle.pointer) == 1, "starting to verify a signature")
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// Compares the encodings.
    public static func == (left: PublicKey, right: PublicKey) -> Bool {
        left.spki == right.spki
    }

    /// Feeds the encoding.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(spki)
    }

    /// Lends libcrypto's key to this module.
    func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(handle.pointer)
    }
}
