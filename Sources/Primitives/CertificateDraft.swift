// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Owns a certificate that is being made: body, issuer, extensions, signature, in this order.
@safe struct CertificateDraft: ~Copyable {
    private let pointer: OpaquePointer

    init() throws(PrimitiveError) {
        ERR_clear_error()
        guard let pointer = unsafe X509_new() else {
            throw .operationFailed(operation: "making a certificate", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_free(pointer)
    }

    /// Sets version 3, serial number, validity, subject and key.
    func setBody(_ template: CertificateTemplate, publicKey: PublicKey) throws(PrimitiveError) {
        // Version 3 is written as 2.
        try check(unsafe X509_set_version(pointer, 2) == 1, "setting a certificate's version")
        try setSerial(template.serial)
        try check(
            unsafe ASN1_TIME_set(X509_getm_notBefore(pointer), Int(template.notBefore)) != nil
                && ASN1_TIME_set(X509_getm_notAfter(pointer), Int(template.notAfter)) != nil,
            "setting a certificate's validity")
        let name = unsafe X509_get_subject_name(pointer)
        let subject = Array(template.subject.utf8)
        try check(
            unsafe X509_NAME_add_entry_by_NID(
                name, NID_commonName, MBSTRING_UTF8, subject, Int32(clamping: subject.count), -1, 0) == 1,
            "setting a certificate's subject")
        let keySet = unsafe publicKey.withHandle { unsafe X509_set_pubkey(pointer, $0) }
        try check(keySet == 1, "setting a certificate's key")
    }

    /// Names the issuer: the subject itself for nil.
    func setIssuer(_ issuer: Certificate?) throws(PrimitiveError) {
        guard let issuer else {
            try check(
                unsafe X509_set_issuer_name(pointer, X509_get_subject_name(pointer)) == 1,
                "setting a certificate's issuer")
            return
        }
        let succeeded = try unsafe ParsedCertificate(der: issuer.der).withPointer { issuer in
            unsafe X509_set_issuer_name(pointer, X509_get_subject_name(issuer)) == 1
        }
        try check(succeeded, "setting a certificate's issuer")
    }

    /// Adds basic constraints, key usages, key identifiers and alternative names.
    func addExtensions(_ template: CertificateTemplate, issuer: Certificate?) throws(PrimitiveError) {
        if template.isAuthority {
            try add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
            try add(NID_key_usage, "critical,keyCertSign,cRLSign")
        } else {
            try add(NID_basic_constraints, "critical,CA:FALSE")
            try add(NID_key_usage, "critical,digitalSignature")
            try add(NID_ext_key_usage, "serverAuth,clientAuth")
        }
        try add(NID_subject_key_identifier, "hash")
        if let issuer {
            let succeeded = try unsafe ParsedCertificate(der: issuer.der).withPointer { issuer in
                unsafe summand_add_extension(pointer, issuer, NID_authority_key_identifier, "keyid:always")
            }
            try check(succeeded == 1, "adding the issuer's key identifier")
        }
        try addAlternativeNames(template)
    }

    /// Signs with ECDSA and SHA-256 and returns the whole certificate.
    func sign(with signer: SigningKey) throws(PrimitiveError) -> [UInt8] {
        let count = unsafe signer.withHandle { unsafe X509_sign(pointer, $0, Algorithms.shared.sha256) }
        try check(count > 0, "signing a certificate")
        guard let der = unsafe DER.encode({ unsafe i2d_X509(pointer, $0) }) else {
            throw .operationFailed(operation: "encoding a certificate", stack: OpenSSLFailure.drainStack())
        }
        return der
    }

    private func setSerial(_ serial: [UInt8]) throws(PrimitiveError) {
        guard (1...20).contains(serial.count), serial[0] < 0x80 else {
            throw .operationFailed(operation: "setting a certificate's serial number", stack: [])
        }
        let number = unsafe BN_bin2bn(serial, Int32(serial.count), nil)
        defer { unsafe BN_free(number) }
        try check(
            unsafe number != nil && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil,
            "setting a certificate's serial number")
    }

    private func add(_ nid: Int32, _ value: String) throws(PrimitiveError) {
        try check(unsafe summand_add_extension(pointer, pointer, nid, value) == 1, "adding a certificate's extension")
    }

    /// The names go in as they are, not through libcrypto's configuration syntax, in which a comma begins another name.
    private func addAlternativeNames(_ template: CertificateTemplate) throws(PrimitiveError) {
        guard !template.uris.isEmpty || !template.dnsNames.isEmpty else { return }
        let names = unsafe summand_general_names_new()
        defer { unsafe GENERAL_NAMES_free(names) }
        let entries = template.uris.map { (GEN_URI, $0) } + template.dnsNames.map { (GEN_DNS, $0) }
        for (type, text) in entries {
            let bytes = text.utf8.map { CChar(bitPattern: $0) }
            try check(
                unsafe summand_general_names_add(names, type, bytes, Int32(bytes.count)) == 1,
                "adding a certificate's name")
        }
        try check(
            unsafe X509_add1_ext_i2d(
                pointer, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, UInt(X509V3_ADD_DEFAULT)) == 1,
            "adding a certificate's names")
    }

    private func check(_ succeeded: Bool, _ operation: String) throws(PrimitiveError) {
        guard succeeded else {
            throw .operationFailed(operation: operation, stack: OpenSSLFailure.drainStack())
        }
    }
}
