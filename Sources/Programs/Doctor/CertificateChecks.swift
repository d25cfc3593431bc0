// SPDX-License-Identifier: MIT

import Identity
public import Primitives

/// Checks the dates of certificates, against this machine's clock.
public enum CertificateChecks {
    /// The days before its end from which a certificate is warned about.
    public static let warningDays = 30

    /// Checks one certificate.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - renewal: what to do about one that will end soon.
    ///   - afterwards: what to do about one that has ended, where that is something else.
    public static func dates(
        _ name: Check.Name, of certificate: Certificate, now: Int64, renewal: String, afterwards: String? = nil
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
                remedy: "if the clock is right, \(afterwards ?? renewal)",
                figures: ["days_left": Double(end - now) / 86_400])
        }
        let days = (end - now) / 86_400
        let figures = ["days_left": Double(days)]
        guard days >= warningDays else {
            return .warning(name, "ends on \(UTCTime(end)), in \(days) days", remedy: renewal, figures: figures)
        }
        return .ok(name, "valid until \(UTCTime(end)), \(days) days", figures: figures)
    }

    /// Says in a line how long a site's certificate lasts, and what becomes of it.
    public static func outlook(of certificate: Certificate, now: Int64) -> String {
        let end = UTCTime(certificate.notAfter)
        guard now <= certificate.notAfter else { return "expired on \(end): \(rejoining)" }
        let days = (certificate.notAfter - now) / 86_400
        let due = certificate.renewalTime
        let renewed = now >= due ? siteRenewal : "renewed from \(UTCTime(due)) on"
        return "until \(end), \(days) days; \(renewed)"
    }

    /// What becomes of a site's certificate that ends soon.
    public static let siteRenewal = "the next run of this site renews it"

    /// How a site whose certificate has ended comes back.
    public static let rejoining =
        "ask the operator for a token under this site's name, and join with it in the same directory: key and records stay"

    /// What becomes of a federation whose authority ends.
    public static let authorityRenewal =
        "put another in its place in time with smpc-server authority roll; afterwards only a federation made in another "
        + "directory with smpc-server init helps, to which the sites are invited anew"
}
