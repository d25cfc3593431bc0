// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Owns libcrypto's form of one certificate for as long as something is read from it.
@safe struct ParsedCertificate: ~Copyable {
    private let pointer: OpaquePointer

    init(der: [UInt8]) throws(PrimitiveError) {
        let pointer = unsafe der.withUnsafeBytes { bytes in
            unsafe DER.decode(bytes, { unsafe d2i_X509(nil, $0, $1) }, free: { unsafe X509_free($0) })
        }
        guard let pointer = unsafe pointer else {
            throw .certificateMalformed(reason: "not one DER certificate", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    init(pem: [UInt8]) throws(PrimitiveError) {
        let pointer = unsafe pem.withUnsafeBytes { bytes in
            unsafe PEM.read(bytes) { unsafe PEM_read_bio_X509($0, nil, { _, _, _, _ in -1 }, nil) }
        }
        guard let pointer = unsafe pointer else {
            throw .certificateMalformed(reason: "no PEM certificate", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    /// Takes a reference of its own to a certificate that libcrypto has read already.
    init(sharing pointer: OpaquePointer) {
        // Fails only for a counter that overflows.
        precondition(unsafe X509_up_ref(pointer) == 1, "a certificate with too many references")
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_free(pointer)
    }

    /// Lends libcrypto's certificate to this module.
    func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(pointer)
    }

    func der() throws(PrimitiveError) -> [UInt8] {
        guard let der = unsafe DER.encode({ unsafe i2d_X509(pointer, $0) }) else {
            throw .operationFailed(operation: "encoding a certificate", stack: OpenSSLFailure.drainStack())
        }
        return der
    }

    func isSigned(by issuer: borrowing ParsedCertificate) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard unsafe X509_check_issued(issuer.pointer, pointer) == X509_V_OK,
            let key = unsafe X509_get0_pubkey(issuer.pointer)
        else { return false }
        return unsafe X509_verify(pointer, key) == 1
    }

    /// The subject's key, nil unless it is a P-256 key in the accepted encoding.
    func publicKey() -> PublicKey? {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let info = unsafe X509_get_X509_PUBKEY(pointer)
        guard let spki = unsafe DER.encode({ unsafe i2d_X509_PUBKEY(info, $0) }) else { return nil }
        return try? PublicKey(spki: spki)
    }

    func isAuthority() -> Bool {
        unsafe X509_check_ca(pointer) == 1
    }

    /// Whether its key usage names keyCertSign; without any key usage it does not.
    func namesCertificateSigning() -> Bool {
        let usage = unsafe X509_get_key_usage(pointer)
        return usage != UInt32.max && usage & UInt32(X509v3_KU_KEY_CERT_SIGN) != 0
    }

    /// The bits of security that libcrypto counts for the key; 0 for one that it does not know.
    func keySecurityBits() -> Int {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let key = unsafe X509_get0_pubkey(pointer) else { return 0 }
        return Int(unsafe EVP_PKEY_get_security_bits(key))
    }

    func serial() -> [UInt8] {
        let integer = unsafe X509_get0_serialNumber(pointer)
        guard let start = unsafe ASN1_STRING_get0_data(integer) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(integer))))
    }

    func notBefore() throws(PrimitiveError) -> Int64 {
        try unsafe unixSeconds(of: X509_get0_notBefore(pointer))
    }

    func notAfter() throws(PrimitiveError) -> Int64 {
        try unsafe unixSeconds(of: X509_get0_notAfter(pointer))
    }

    private func unixSeconds(of time: UnsafePointer<ASN1_TIME>?) throws(PrimitiveError) -> Int64 {
        let epoch = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        // A null time would mean "now" to ASN1_TIME_diff.
        guard unsafe time != nil, unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else {
            throw .certificateMalformed(reason: "validity", stack: OpenSSLFailure.drainStack())
        }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    /// The last common name of the subject as UTF-8, empty if there is none.
    func subjectCommonName() throws(PrimitiveError) -> String {
        guard let name = unsafe X509Text.commonName(X509_get_subject_name(pointer)) else {
            throw .certificateMalformed(reason: "subject", stack: OpenSSLFailure.drainStack())
        }
        return name
    }

    /// URIs and DNS names of the subject alternative name.
    func alternativeNames() throws(PrimitiveError) -> (uris: [String], dnsNames: [String]) {
        var critical: Int32 = 0
        guard let found = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, &critical, nil) else {
            // −1: there is none; anything else: malformed, or there are several.
            if critical == -1 { return ([], []) }
            throw .certificateMalformed(reason: "subject alternative name", stack: OpenSSLFailure.drainStack())
        }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        guard let uris = unsafe X509Text.names(in: names, type: GEN_URI),
            let dnsNames = unsafe X509Text.names(in: names, type: GEN_DNS)
        else { throw .certificateMalformed(reason: "subject alternative name", stack: []) }
        return (uris, dnsNames)
    }
}
