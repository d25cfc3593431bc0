// SPDX-License-Identifier: MIT

public import Primitives

/// How a member gets its next certificate over mutual TLS (protocol section 14, "Renewal").
///
/// The member asks once over a connection of its own, which proves its key; the coordinator answers once and closes. The key
/// stays, and with it the ID, every member record and every pin.
public enum Renewal {
    /// The ALPN of renewal, on which nothing else is served.
    public static let alpn = "smpc-renew/1"
    /// The most bytes of a request.
    public static let requestBytesMax = 4 * 1024
    /// The most bytes of a response.
    public static let responseBytesMax = 64 * 1024
    /// How long before its end a certificate is renewed, at most: 30 days.
    public static let leadSecondsMax: Int64 = 30 * 86_400
}

extension Certificate {
    /// When its renewal is due, in Unix seconds: 30 days before its end, or a third of its lifetime if that is less.
    public var renewalTime: Int64 {
        // DER has years of four digits, so that neither difference overflows.
        notAfter - min(Renewal.leadSecondsMax, (notAfter - notBefore) / 3)
    }
}
