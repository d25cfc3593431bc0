// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Owns libcrypto's form of one certificate request for as long as something is read from it.
@safe struct ParsedRequest: ~Copyable {
    private let pointer: OpaquePointer

    init(der: [UInt8]) throws(PrimitiveError) {
        let pointer = unsafe der.withUnsafeBytes { bytes in
            unsafe DER.decode(bytes, { unsafe d2i_X509_REQ(nil, $0, $1) }, free: { unsafe X509_REQ_free($0) })
        }
        guard let pointer = unsafe pointer else {
            throw .requestMalformed(reason: "not one DER request", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    init(pem: [UInt8]) throws(PrimitiveError) {
        let pointer = unsafe pem.withUnsafeBytes { bytes in
            unsafe PEM.read(bytes) { unsafe PEM_read_bio_X509_REQ($0, nil, { _, _, _, _ in -1 }, nil) }
        }
        guard let pointer = unsafe pointer else {
            throw .requestMalformed(reason: "no PEM request", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_REQ_free(pointer)
    }

    func der() throws(PrimitiveError) -> [UInt8] {
        guard let der = unsafe DER.encode({ unsafe i2d_X509_REQ(pointer, $0) }) else {
            throw .operationFailed(operation: "encoding a certificate request", stack: OpenSSLFailure.drainStack())
        }
        return der
    }

    /// The key, if it is one of P-256 in the accepted encoding.
    func publicKey() throws(PrimitiveError) -> PublicKey {
        let info = unsafe X509_REQ_get_X509_PUBKEY(pointer)
        guard let spki = unsafe DER.encode({ unsafe i2d_X509_PUBKEY(info, $0) }) else {
            throw .requestMalformed(reason: "key", stack: OpenSSLFailure.drainStack())
        }
        return try PublicKey(spki: spki)
    }

    /// Whether the key in the request made its signature, by ECDSA with SHA-256.
    func isSigned() -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard unsafe X509_REQ_get_signature_nid(pointer) == NID_ecdsa_with_SHA256,
            let key = unsafe X509_REQ_get0_pubkey(pointer)
        else { return false }
        return unsafe X509_REQ_verify(pointer, key) == 1
    }

    func subjectCommonName() throws(PrimitiveError) -> String {
        guard let name = unsafe X509Text.commonName(X509_REQ_get_subject_name(pointer)) else {
            throw .requestMalformed(reason: "subject", stack: OpenSSLFailure.drainStack())
        }
        return name
    }

    /// URIs of the subject alternative name among the extensions that are asked for; none if it asks for no name.
    func uris() throws(PrimitiveError) -> [String] {
        ERR_clear_error()
        defer { ERR_clear_error() }
        // Without any extension libcrypto gives null or an empty list, according to its version.
        guard let extensions = unsafe X509_REQ_get_extensions(pointer) else { return [] }
        defer { unsafe summand_request_extensions_free(extensions) }
        var critical: Int32 = 0
        guard let found = unsafe X509V3_get_d2i(extensions, NID_subject_alt_name, &critical, nil) else {
            // −1: there is none; anything else: malformed, or there are several.
            if critical == -1 { return [] }
            throw .requestMalformed(reason: "subject alternative name", stack: OpenSSLFailure.drainStack())
        }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        guard let uris = unsafe X509Text.names(in: names, type: GEN_URI) else {
            throw .requestMalformed(reason: "subject alternative name", stack: [])
        }
        return uris
    }
}
