// SPDX-License-Identifier: MIT

public import Identity
import Primitives

extension PartyIdentity {
    /// Loads the identity of a federation's server; a certificate whose renewal is due is renewed for the same key.
    ///
    /// - Throws: `ProgramError`: `usage` if no federation lies there, `failed` if the authority's own certificate is not valid
    ///   now; and the errors of reading and writing the files.
    public static func coordinator(directory: String, now: Int64 = unixNow()) throws -> PartyIdentity {
        guard PartyIdentity.exists(directory: directory) else {
            throw ProgramError(
                .usage, "no federation lies here", subject: directory,
                remedy: "make it with smpc-server init --state \(directory) --federation NAME")
        }
        let identity = try PartyIdentity.load(directory: directory)
        guard identity.role == .coordinator else {
            throw ProgramError(
                .usage, "is the state of a site, not of a server", subject: directory,
                remedy: "name the directory that smpc-server init made")
        }
        try requireValid(identity.authority, directory: directory, now: now)
        guard now >= identity.certificate.renewalTime else { return identity }
        let authority = try CertificateAuthority.load(directory: directory)
        let renewed = try PartyIdentity(
            key: identity.key,
            certificate: authority.issueCoordinator(publicKey: identity.key.publicKey, now: now),
            authority: authority.certificate)
        try renewed.saveCertificates(directory: directory)
        return renewed
    }

    /// Without a valid authority nobody takes the server's certificate, and none can be issued.
    private static func requireValid(
        _ authority: Certificate, directory: String, now: Int64
    ) throws(ProgramError) {
        guard now >= authority.notBefore else {
            throw ProgramError(
                .failed, "the authority's certificate is valid only from \(UTCTime(authority.notBefore))",
                subject: "\(directory)/ca.pem", remedy: "set the clock of this machine, which says \(UTCTime(now))")
        }
        guard now <= authority.notAfter else {
            throw ProgramError(
                .failed, "the authority's certificate expired on \(UTCTime(authority.notAfter))",
                subject: "\(directory)/ca.pem",
                remedy: "make a federation in another directory with smpc-server init, and invite the sites anew")
        }
    }
}
