// SPDX-License-Identifier: MIT

public import Identity
import Primitives

extension PartyIdentity {
    /// Refuses to go on with a certificate that every server would refuse, and says when its renewal is due.
    ///
    /// - Throws: `ProgramError` with `failed`.
    public func requireValidCertificate(directory: String, now: Int64, _ progress: Progress) throws(ProgramError) {
        guard now >= certificate.notBefore else {
            throw ProgramError(
                .failed, "the certificate is valid only from \(UTCTime(certificate.notBefore))",
                subject: "\(directory)/certificate.pem",
                remedy: "set the clock of this machine, which says \(UTCTime(now))")
        }
        guard now <= certificate.notAfter else {
            throw ProgramError(
                .failed, "the certificate expired on \(UTCTime(certificate.notAfter))",
                subject: "\(directory)/certificate.pem",
                remedy: "if the clock of this machine is right, which says \(UTCTime(now)), "
                    + CertificateChecks.rejoining)
        }
        if now >= certificate.renewalTime {
            progress.note("the certificate ends on \(UTCTime(certificate.notAfter)): this run asks for the next one")
        }
    }
}
