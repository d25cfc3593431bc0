// SPDX-License-Identifier: MIT

import Primitives

/// The one exception to mutual TLS: how a new member gets its certificate (protocol section 3).
///
/// The client has a token and a key, the server proves itself by the authority's fingerprint in the token. The client
/// sends a request, authenticated by the token's secret together with this connection's exporter, so that nobody in
/// between can pass it on; the server answers once and closes.
public enum Enrolment {
    /// The ALPN of enrolment, on which nothing else is served.
    public static let alpn = "smpc-enroll/1"
    /// The label of the TLS exporter (RFC 8446, section 7.5), its context empty.
    public static let exporterLabel = "EXPORTER-summand-enrollment"
    /// The number of exported bytes.
    public static let exporterCount = 32
    /// The most bytes of a request.
    public static let requestBytesMax = 4 * 1024
    /// The most bytes of a response.
    public static let responseBytesMax = 64 * 1024
    /// The most bytes of a P-256 signature in DER.
    static let signatureBytesMax = 72

    /// What the key in the request signs: a signed object from before there is an epoch (protocol section 2, "Bytes").
    static func signatureInput(payload: [UInt8]) -> [UInt8] {
        LabeledBytes("sign EnrollmentRequest").fixed(Digest.zero).variable(payload).bytes
    }

    /// What the token's secret authenticates.
    static func authenticatorInput(payload: [UInt8], signature: [UInt8], exporter: [UInt8]) -> [UInt8] {
        precondition(exporter.count == exporterCount, "the exporter has \(exporterCount) bytes")
        return LabeledBytes("enrollment").fixed(exporter).variable(payload).variable(signature).bytes
    }
}
