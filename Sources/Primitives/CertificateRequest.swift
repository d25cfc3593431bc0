// SPDX-License-Identifier: MIT

/// Asks an authority for a certificate, and proves to have the key (PKCS #10, RFC 2986).
///
/// A value is always one whose own signature holds.
public struct CertificateRequest: Sendable, Equatable {
    /// The most bytes of a request that are looked at; one that `make` writes has under 500.
    public static let derCountMax = 2 * 1024

    /// The request itself.
    public let der: [UInt8]
    /// The subject's last common name, empty if it has none.
    public let subjectCommonName: String
    /// The URIs of the subject alternative name that is asked for, in order.
    public let uris: [String]
    /// The key, which signed the request.
    public let publicKey: PublicKey

    /// Reads one request without a byte before or behind it, and verifies its signature.
    ///
    /// Throws `requestMalformed`, `keyUnsupported` for any key but one of P-256, `requestUnsigned` unless that key signed it
    /// with SHA-256.
    public init(der: [UInt8]) throws(PrimitiveError) {
        guard der.count <= Self.derCountMax else {
            throw .requestMalformed(reason: "more than \(Self.derCountMax) bytes", stack: [])
        }
        let parsed = try ParsedRequest(der: der)
        self.der = der
        publicKey = try parsed.publicKey()
        guard parsed.isSigned() else { throw .requestUnsigned }
        subjectCommonName = try parsed.subjectCommonName()
        uris = try parsed.uris()
    }

    /// Reads the first request of a PEM text, as `init(der:)` does.
    public init(pem: String) throws(PrimitiveError) {
        try self.init(der: ParsedRequest(pem: Array(pem.utf8)).der())
    }

    /// Makes and signs a request.
    ///
    /// It asks for what `Certificate.issue` writes into the certificate of a party: no authority, digitalSignature, serverAuth
    /// and clientAuth, and the URIs. Throws `operationFailed` when libcrypto refuses, such as a subject that is empty or longer
    /// than 64 characters.
    public static func make(
        subject: String, uris: [String], key: SigningKey
    ) throws(PrimitiveError) -> CertificateRequest {
        let draft = try RequestDraft()
        try draft.setBody(subject: subject, publicKey: key.publicKey)
        try draft.addExtensions(uris: uris)
        return try CertificateRequest(der: draft.sign(with: key))
    }

    /// The request as PEM text (RFC 7468), which `openssl x509 -req` reads.
    public var pem: String { PEM.text(der, label: "CERTIFICATE REQUEST") }

    /// Compares the DER bytes.
    public static func == (left: CertificateRequest, right: CertificateRequest) -> Bool { left.der == right.der }
}
