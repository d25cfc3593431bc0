// SPDX-License-Identifier: MIT

/// What a new certificate says about its subject.
public struct CertificateTemplate: Sendable, Equatable {
    /// The subject's common name, 1 to 64 bytes of UTF-8 (RFC 5280, ub-common-name).
    public var subject: String
    /// URIs of the subject alternative name.
    public var uris: [String]
    /// DNS names of the subject alternative name.
    public var dnsNames: [String]
    /// Whether the key may sign certificates (of leaves only: path length 0) instead of TLS handshakes.
    public var isAuthority: Bool
    /// Valid from, in Unix seconds.
    public var notBefore: Int64
    /// Valid through, in Unix seconds.
    public var notAfter: Int64
    /// The serial number, 1 to 20 bytes, most significant first, its first bit clear.
    public var serial: [UInt8]

    /// Describes a certificate; the serial number is random unless given (RFC 5280, section 4.1.2.2).
    public init(
        subject: String, uris: [String] = [], dnsNames: [String] = [], isAuthority: Bool = false, notBefore: Int64,
        notAfter: Int64, serial: [UInt8] = CertificateTemplate.randomSerial()
    ) {
        self.subject = subject
        self.uris = uris
        self.dnsNames = dnsNames
        self.isAuthority = isAuthority
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serial = serial
    }

    /// Draws a positive serial number of 16 bytes.
    public static func randomSerial() -> [UInt8] {
        var serial = SecureRandom.bytes(16)
        // The first bit would make it negative; the second keeps the encoding minimal.
        serial[0] = serial[0] & 0x7f | 0x40
        return serial
    }
}
