// SPDX-License-Identifier: MIT

public import Identity
import Primitives

extension PartyIdentity {
    /// Refuses to go on with a certificate that every server would refuse, and warns 30 days before it ends.
    ///
    /// - Throws: `ProgramError` with `failed`.
    public func requireValidCertificate(directory: String, now: Int64, _ progress: Progress) throws(ProgramError) {
        let renewal =
            "have the operator revoke this member and invite it anew, and join in another directory with --state"
        guard now >= certificate.notBefore else {
            throw ProgramError(
                .failed, "the certificate is valid only from \(UTCTime(certificate.notBefore))",
                subject: "\(directory)/certificate.pem",
                remedy: "set the clock of this machine, which says \(UTCTime(now))")
        }
        guard now <= certificate.notAfter else {
            throw ProgramError(
                .failed, "the certificate expired on \(UTCTime(certificate.notAfter))",
                subject: "\(directory)/certificate.pem", remedy: renewal)
        }
        if certificate.notAfter - now < 30 * 86_400 {
            progress.warning("the certificate ends on \(UTCTime(certificate.notAfter)): before then \(renewal)")
        }
    }
}
