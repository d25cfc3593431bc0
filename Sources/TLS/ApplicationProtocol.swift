// SPDX-License-Identifier: MIT

/// Names what is spoken inside a TLS connection, and says whether the client must show a certificate (RFC 7301).
public struct ApplicationProtocol: Hashable, Sendable, CustomStringConvertible {
    /// The ALPN name, 1…255 bytes of UTF-8.
    public let name: String
    /// Whether a server that agrees on this protocol demands a certificate of the client.
    public let demandsClientCertificate: Bool

    /// The federation's protocol: both sides authenticated (protocol section 2, "channel").
    public static let federation = ApplicationProtocol(name: "smpc/1", demandsClientCertificate: true)
    /// Plain federated averaging, without secret sharing: both sides authenticated. Another name, so that a program of one arm
    /// that dials a server of the other is refused in the handshake.
    public static let averaging = ApplicationProtocol(name: "fedavg/1", demandsClientCertificate: true)
    /// Enrolment: only the server has a certificate, the client proves itself by its token (protocol section 3).
    public static let enrolment = ApplicationProtocol(name: "smpc-enroll/1", demandsClientCertificate: false)
    /// A question where one stands, without taking part: both sides authenticated (protocol section 11).
    public static let inquiry = ApplicationProtocol(name: "smpc-inquiry/1", demandsClientCertificate: true)

    /// Renewal of a certificate: both sides authenticated, with the certificates that they have (protocol section 14).
    public static let renewal = ApplicationProtocol(name: "smpc-renew/1", demandsClientCertificate: true)

    init(name: String, demandsClientCertificate: Bool) {
        self.name = name
        self.demandsClientCertificate = demandsClientCertificate
    }

    public var description: String { name }

    /// The name as it stands in an ALPN list: one length byte, then the bytes.
    var wireBytes: [UInt8] { [UInt8(name.utf8.count)] + name.utf8 }
}

extension ApplicationProtocol {
    /// Picks the first of `supported` that the client's list contains; nil when there is none or the list is malformed.
    ///
    /// - Returns: the protocol, and where its name begins in `list`.
    static func select(
        from supported: [ApplicationProtocol], offered list: [UInt8]
    ) -> (choice: ApplicationProtocol, offset: Int)? {
        var offers: [(name: ArraySlice<UInt8>, offset: Int)] = []
        var position = 0
        while position < list.count {
            let start = position + 1
            let end = start + Int(list[position])
            guard end <= list.count, end > start else { return nil }
            offers.append((list[start..<end], start))
            position = end
        }
        for candidate in supported {
            if let offer = offers.first(where: { $0.name.elementsEqual(candidate.name.utf8) }) {
                return (candidate, offer.offset)
            }
        }
        return nil
    }
}
