// SPDX-License-Identifier: MIT

/// An X.509 certificate (RFC 5280) as its DER bytes and the parts of it that Summand reads.
public struct Certificate: Sendable, Equatable {
    /// The most bytes of a certificate that are looked at.
    public static let derCountMax = 16 * 1024

    /// The certificate itself.
    public let der: [UInt8]
    /// The SHA-256 of `der`.
    public let fingerprint: Digest
    /// The subject's last common name, empty if it has none.
    public let subjectCommonName: String
    /// The URIs of the subject alternative name, in order.
    public let uris: [String]
    /// The DNS names of the subject alternative name, in order.
    public let dnsNames: [String]
    /// The subject's key, nil unless it is an ECDSA P-256 key.
    public let publicKey: PublicKey?
    /// Valid from, in Unix seconds.
    public let notBefore: Int64
    /// Valid through, in Unix seconds.
    public let notAfter: Int64
    /// The serial number's magnitude, most significant byte first.
    public let serial: [UInt8]
    /// Whether it says that its key signs certificates.
    public let isAuthority: Bool

    /// Reads one certificate without a byte before or behind it; throws `certificateMalformed`.
    public init(der: [UInt8]) throws(PrimitiveError) {
        guard der.count <= Self.derCountMax else {
            throw .certificateMalformed(reason: "more than \(Self.derCountMax) bytes", stack: [])
        }
        try self.init(ParsedCertificate(der: der), der: der)
    }

    /// Reads a certificate that libcrypto holds already, and which therefore need not be parsed again, as `init(der:)` does.
    ///
    /// - Parameter x509: an `X509`, alive during the call.
    package init(x509: OpaquePointer) throws(PrimitiveError) {
        let parsed = unsafe ParsedCertificate(sharing: x509)
        let der = try parsed.der()
        guard der.count <= Self.derCountMax else {
            throw .certificateMalformed(reason: "more than \(Self.derCountMax) bytes", stack: [])
        }
        try self.init(parsed, der: der)
    }

    private init(_ parsed: borrowing ParsedCertificate, der: [UInt8]) throws(PrimitiveError) {
        self.der = der
        fingerprint = SHA256.hash(der)
        subjectCommonName = try parsed.subjectCommonName()
        (uris, dnsNames) = try parsed.alternativeNames()
        publicKey = parsed.publicKey()
        notBefore = try parsed.notBefore()
        notAfter = try parsed.notAfter()
        serial = parsed.serial()
        isAuthority = parsed.isAuthority()
    }

    /// Reads the first certificate of a PEM text; throws `certificateMalformed`.
    public init(pem: String) throws(PrimitiveError) {
        try self.init(der: ParsedCertificate(pem: Array(pem.utf8)).der())
    }

    /// The certificate as PEM text (RFC 7468).
    public var pem: String { PEM.text(der, label: "CERTIFICATE") }

    /// Whether `issuer` is an authority, has the name and key identifier that this certificate names as its issuer's,
    /// and its key made the signature. Validity in time and revocation are the caller's to check.
    public func isSigned(by issuer: Certificate) -> Bool {
        guard issuer.isAuthority,
            let subject = try? ParsedCertificate(der: der), let authority = try? ParsedCertificate(der: issuer.der)
        else { return false }
        return subject.isSigned(by: authority)
    }

    /// Whether `time`, in Unix seconds, lies within the certificate's validity.
    public func isValid(at time: Int64) -> Bool {
        time >= notBefore && time <= notAfter
    }

    /// Compares the DER bytes.
    public static func == (left: Certificate, right: Certificate) -> Bool {
        left.der == right.der
    }
}
