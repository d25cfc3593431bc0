// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Owns a certificate request that is being made: body, extensions, signature, in this order.
@safe struct RequestDraft: ~Copyable {
    private let pointer: OpaquePointer

    init() throws(PrimitiveError) {
        ERR_clear_error()
        guard let pointer = unsafe X509_REQ_new() else {
            throw .operationFailed(operation: "making a certificate request", stack: OpenSSLFailure.drainStack())
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe X509_REQ_free(pointer)
    }

    /// Sets the one version there is, subject and key.
    func setBody(subject: String, publicKey: PublicKey) throws(PrimitiveError) {
        try check(unsafe X509_REQ_set_version(pointer, 0) == 1, "setting a request's version")
        let bytes = Array(subject.utf8)
        try check(
            unsafe X509_NAME_add_entry_by_NID(
                X509_REQ_get_subject_name(pointer), NID_commonName, MBSTRING_UTF8, bytes, Int32(clamping: bytes.count),
                -1, 0) == 1,
            "setting a request's subject")
        let keySet = unsafe publicKey.withHandle { unsafe X509_REQ_set_pubkey(pointer, $0) }
        try check(keySet == 1, "setting a request's key")
    }

    /// Asks for basic constraints, key usages and alternative names, in one extensionRequest (RFC 2985, section 5.4.2).
    func addExtensions(uris: [String]) throws(PrimitiveError) {
        var extensions: OpaquePointer?
        defer { unsafe summand_request_extensions_free(extensions) }
        for (nid, value) in [
            (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, "serverAuth,clientAuth"),
        ] {
            try check(
                unsafe summand_request_extension(&extensions, nid, value) == 1, "adding an extension to a request")
        }
        let names = unsafe summand_general_names_new()
        defer { unsafe GENERAL_NAMES_free(names) }
        for uri in uris {
            let bytes = uri.utf8.map { CChar(bitPattern: $0) }
            try check(
                unsafe summand_general_names_add(names, GEN_URI, bytes, Int32(bytes.count)) == 1,
                "adding a request's name")
        }
        try check(
            unsafe X509V3_add1_i2d(
                &extensions, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, UInt(X509V3_ADD_DEFAULT)) == 1,
            "adding a request's names")
        try check(unsafe X509_REQ_add_extensions(pointer, extensions) == 1, "adding a request's extensions")
    }

    /// Signs with ECDSA and SHA-256 and returns the whole request.
    func sign(with signer: SigningKey) throws(PrimitiveError) -> [UInt8] {
        let count = unsafe signer.withHandle { unsafe X509_REQ_sign(pointer, $0, Algorithms.shared.sha256) }
        try check(count > 0, "signing a request")
        guard let der = unsafe DER.encode({ unsafe i2d_X509_REQ(pointer, $0) }) else {
            throw .operationFailed(operation: "encoding a certificate request", stack: OpenSSLFailure.drainStack())
        }
        return der
    }

    private func check(_ succeeded: Bool, _ operation: String) throws(PrimitiveError) {
        guard succeeded else {
            throw .operationFailed(operation: operation, stack: OpenSSLFailure.drainStack())
        }
    }
}
