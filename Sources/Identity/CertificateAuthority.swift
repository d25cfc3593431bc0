// SPDX-License-Identifier: MIT

public import Primitives

/// Issues the certificates of one federation.
///
/// It admits to the channel, never to trust: members keep records of one another (protocol section 3).
public struct CertificateAuthority: Sendable {
    /// How long the authority's own certificate is valid: 10 years.
    public static let validitySeconds: Int64 = 3_652 * 86_400
    /// How long the certificates that it issues are valid: 1 year.
    public static let leafValiditySeconds: Int64 = 365 * 86_400
    /// Certificates begin an hour early, for clocks that are behind.
    static let skewSeconds: Int64 = 3_600

    /// The federation.
    public let federation: FederationName
    /// The authority's own certificate; its fingerprint goes into every token.
    public var certificate: Certificate { authorities.current }
    /// That, and what ties the authority before to it until that one is retired.
    public let authorities: Authorities

    let key: SigningKey

    init(federation: FederationName, authorities: Authorities, key: SigningKey) {
        self.federation = federation
        self.authorities = authorities
        self.key = key
    }

    /// Makes a new authority with a P-256 key; `now` is in Unix seconds.
    public static func create(federation: FederationName, now: Int64) throws(IdentityError) -> CertificateAuthority {
        do {
            let key = try SigningKey.generate()
            let template = CertificateTemplate(
                subject: "Summand authority", uris: [uri(of: federation)], isAuthority: true,
                notBefore: now - skewSeconds, notAfter: now + validitySeconds)
            let certificate = try Certificate.issue(template, publicKey: key.publicKey, issuer: nil, signer: key)
            return CertificateAuthority(federation: federation, authorities: Authorities(certificate), key: key)
        } catch {
            throw .primitive(error)
        }
    }

    /// Reads `ca.pem` and `ca-key.pem` from a state directory. Errors name the file.
    ///
    /// Throws `authorityKeyLocked` for an encrypted key without a passphrase, `authorityPassphraseWrong` for a wrong one; a
    /// passphrase for a key that is not encrypted does no harm.
    public static func load(
        directory: String, passphrase: SecretBytes? = nil
    ) throws(IdentityError) -> CertificateAuthority {
        let path = IdentityFiles.path(directory, IdentityFiles.authority)
        let authorities = try IdentityFiles.readAuthorities(path)
        let certificate = authorities.current
        let key = try readKey(of: certificate, directory: directory, passphrase: passphrase)
        guard certificate.publicKey == key.publicKey else {
            throw .certificateKeyMismatch(expected: key.publicKey.spkiHash, actual: certificate.publicKey?.spkiHash)
        }
        guard certificate.isAuthority, let federation = federation(of: certificate) else {
            throw .fileMalformed(path: path, reason: "not the certificate of a federation's authority")
        }
        return CertificateAuthority(federation: federation, authorities: authorities, key: key)
    }

    /// Writes `ca.pem` and `ca-key.pem`, encrypted if there is a passphrase, into a state directory, which is made if it is
    /// missing. Each file is replaced whole.
    public func save(directory: String, passphrase: SecretBytes? = nil) throws(IdentityError) {
        try IdentityFiles.write(
            key, to: IdentityFiles.path(directory, IdentityFiles.authorityKey), passphrase: passphrase)
        try IdentityFiles.write(authorities, to: IdentityFiles.path(directory, IdentityFiles.authority))
    }

    /// Issues the coordinator's certificate.
    public func issueCoordinator(publicKey: PublicKey, now: Int64) throws(IdentityError) -> Certificate {
        try issue(.coordinator, subject: "coordinator", publicKey: publicKey, now: now)
    }

    /// Issues a member's certificate under its ID; `name` becomes the subject. Throws `nameInvalid`.
    public func issueParty(publicKey: PublicKey, name: String, now: Int64) throws(IdentityError) -> Certificate {
        guard MemberName.isValid(name) else { throw .nameInvalid }
        return try issue(.party(PartyID(publicKey: publicKey)), subject: name, publicKey: publicKey, now: now)
    }

    private func issue(
        _ role: PartyRole, subject: String, publicKey: PublicKey, now: Int64
    ) throws(IdentityError) -> Certificate {
        let template = CertificateTemplate(
            subject: subject, uris: [role.uri(in: federation)], notBefore: now - Self.skewSeconds,
            notAfter: min(now + Self.leafValiditySeconds, certificate.notAfter))
        do {
            return try Certificate.issue(template, publicKey: publicKey, issuer: certificate, signer: key)
        } catch {
            throw .primitive(error)
        }
    }

    /// An authority's URI is the bare trust domain (SPIFFE X.509-SVID, section 3.1).
    static func uri(of federation: FederationName) -> String { "spiffe://\(federation.text)" }

    static func federation(of certificate: Certificate) -> FederationName? {
        let prefix = "spiffe://"
        guard certificate.uris.count == 1, certificate.uris[0].hasPrefix(prefix) else { return nil }
        return FederationName(String(certificate.uris[0].dropFirst(prefix.count)))
    }
}
