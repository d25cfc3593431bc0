// SPDX-License-Identifier: MIT

extension Certificate {
    /// Makes and signs a certificate for `publicKey`, self-signed when `issuer` is nil.
    ///
    /// The extensions satisfy `openssl verify -x509_strict` (RFC 5280, section 4.2): an authority gets critical basic
    /// constraints with path length 0 and keyCertSign; a leaf digitalSignature, serverAuth and clientAuth. Throws
    /// `issuerKeyMismatch` unless `signer` is the issuer's key, `operationFailed` when libcrypto refuses the template.
    public static func issue(
        _ template: CertificateTemplate, publicKey: PublicKey, issuer: Certificate?, signer: SigningKey
    ) throws(PrimitiveError) -> Certificate {
        let issuerKey = issuer == nil ? publicKey : issuer?.publicKey
        guard signer.publicKey == issuerKey else { throw .issuerKeyMismatch }
        let draft = try CertificateDraft()
        try draft.setBody(template, publicKey: publicKey)
        try draft.setIssuer(issuer)
        try draft.addExtensions(template, issuer: issuer)
        return try Certificate(der: draft.sign(with: signer))
    }
}
