// SPDX-License-Identifier: MIT

public import Identity
public import Primitives

extension PartyIdentity {
    /// Loads the identity of a federation's server; a certificate whose renewal is due is renewed for the same key, or, where the
    /// authority's key is elsewhere, asked for. With a locked authority the present one stays.
    ///
    /// - Parameter passphrase: what opens the authority's key, if it is encrypted.
    /// - Throws: `ProgramError`: `usage` if no federation lies there or its certificate is not signed yet, `failed` if the
    ///   authority's own certificate or the server's is not valid now; and the errors of reading and writing the files.
    public static func coordinator(
        directory: String, passphrase: SecretBytes? = nil, now: Int64 = unixNow()
    ) throws -> PartyIdentity {
        try requireFederation(directory: directory)
        let identity = try PartyIdentity.load(directory: directory)
        guard identity.role == .coordinator else {
            throw ProgramError(
                .usage, "is the state of a site, not of a server", subject: directory,
                remedy: "name the directory that smpc-server init made")
        }
        try requireValid(identity.authority, directory: directory, now: now)
        let end = identity.certificate.notAfter
        // Also when another authority has taken the place of the one that issued it.
        let isOfPresent = identity.certificate.isSigned(by: identity.authority)
        guard now >= identity.certificate.renewalTime || !isOfPresent else { return identity }
        let issuer = try CertificateIssuer.load(directory: directory, passphrase: passphrase)
        guard case .issued(let certificate) = try issuer.coordinator(key: identity.key, endingAfter: end, now: now)
        else {
            guard now <= end else { throw ended(end, issuer, directory: directory) }
            return identity
        }
        let renewed = try PartyIdentity(key: identity.key, certificate: certificate, authorities: issuer.authorities)
        try renewed.saveCertificate(directory: directory)
        return renewed
    }

    /// Refuses a directory without a federation, and one whose coordinator has no certificate yet.
    ///
    /// - Throws: `ProgramError` with `usage`.
    public static func requireFederation(directory: String) throws(ProgramError) {
        guard !PartyIdentity.exists(directory: directory) else { return }
        let folder = RequestFolder(directory: directory)
        guard folder.exists else {
            throw ProgramError(
                .usage, "no federation lies here", subject: directory,
                remedy: "make it with smpc-server init --state \(directory) --federation NAME")
        }
        throw ProgramError(
            .usage, "the federation's server has no certificate yet", subject: directory,
            remedy:
                "have the authority sign \(folder.requestPath(.coordinator)), then: smpc-server certify FILE --state "
                + directory)
    }

    private static func ended(_ end: Int64, _ issuer: CertificateIssuer, directory: String) -> ProgramError {
        ProgramError(
            .failed, "the certificate expired on \(UTCTime(end))", subject: "\(directory)/certificate.pem",
            remedy: issuer.isLocked
                ? "give --ca-passphrase-file, so that it can be renewed"
                : "have the authority sign \(RequestFolder(directory: directory).requestPath(.coordinator)), then: "
                    + "smpc-server certify FILE --state \(directory)")
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
