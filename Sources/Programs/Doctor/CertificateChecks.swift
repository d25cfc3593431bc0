// SPDX-License-Identifier: MIT

public import Primitives

/// Checks the dates of certificates, against this machine's clock.
public enum CertificateChecks {
    /// The days before its end from which a certificate is warned about.
    public static let warningDays = 30

    /// Checks one certificate.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - renewal: what to do about one that has ended or will soon.
    public static func dates(
        _ name: Check.Name, of certificate: Certificate, now: Int64, renewal: String
    ) -> Check {
        let (begin, end) = (certificate.notBefore, certificate.notAfter)
        guard now >= begin else {
            return .failed(
                name, "valid only from \(UTCTime(begin)), and the clock of this machine says \(UTCTime(now))",
                remedy: "set the clock of this machine")
        }
        guard now <= end else {
            return .failed(
                name, "expired on \(UTCTime(end)); the clock of this machine says \(UTCTime(now))",
                remedy: "if the clock is right, \(renewal)", figures: ["days_left": Double(end - now) / 86_400])
        }
        let days = (end - now) / 86_400
        let figures = ["days_left": Double(days)]
        guard days >= warningDays else {
            return .warning(name, "ends on \(UTCTime(end)), in \(days) days", remedy: renewal, figures: figures)
        }
        return .ok(name, "valid until \(UTCTime(end)), \(days) days", figures: figures)
    }

    /// What becomes of a federation whose authority ends.
    public static let authorityRenewal =
        "make a federation in another directory with smpc-server init, and invite the sites anew"
}
