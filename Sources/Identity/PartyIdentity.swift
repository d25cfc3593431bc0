// SPDX-License-Identifier: MIT

public import Primitives

/// What a process is in its federation: its key, the certificate for it, and the authority that signed that.
public struct PartyIdentity: Sendable {
    /// The private key, made where it is used.
    public let key: SigningKey
    /// The certificate for the key.
    public let certificate: Certificate
    /// The federation's authority, or two while one takes the other's place.
    public let authorities: Authorities
    /// The federation.
    public let federation: FederationName
    /// The place in it.
    public let role: PartyRole

    /// Puts together what belongs together; validity in time is the user's to check.
    ///
    /// Throws `certificateKeyMismatch`, `certificateUnsigned`, or what `CertifiedRole` finds.
    public init(key: SigningKey, certificate: Certificate, authorities: Authorities) throws(IdentityError) {
        let certified = try CertifiedRole(certificate: certificate)
        guard certified.publicKey == key.publicKey else {
            throw .certificateKeyMismatch(expected: key.publicKey.spkiHash, actual: certified.publicKey.spkiHash)
        }
        guard authorities.anchors.contains(where: { certificate.isSigned(by: $0) }) else {
            throw .certificateUnsigned
        }
        self.key = key
        self.certificate = certificate
        self.authorities = authorities
        federation = certified.federation
        role = certified.role
    }

    /// Puts together what belongs together under one authority.
    public init(key: SigningKey, certificate: Certificate, authority: Certificate) throws(IdentityError) {
        try self.init(key: key, certificate: certificate, authorities: Authorities(authority))
    }

    /// The authority that issues now.
    public var authority: Certificate { authorities.current }

    /// The party's ID, derived from the key; a coordinator has one too, though no member list shows it.
    public var id: PartyID { PartyID(publicKey: key.publicKey) }

    /// Reads `key.pem`, `certificate.pem` and `ca.pem` from a state directory. Errors name the file.
    public static func load(directory: String) throws(IdentityError) -> PartyIdentity {
        let certificatePath = IdentityFiles.path(directory, IdentityFiles.certificate)
        let key = try IdentityFiles.readKey(IdentityFiles.path(directory, IdentityFiles.key))
        let certificate = try IdentityFiles.readCertificate(certificatePath)
        let authorities = try IdentityFiles.readAuthorities(IdentityFiles.path(directory, IdentityFiles.authority))
        do {
            return try PartyIdentity(key: key, certificate: certificate, authorities: authorities)
        } catch {
            throw .fileMalformed(path: certificatePath, reason: error.description)
        }
    }

    /// The certificate in a state directory; nil where none can be read.
    public static func storedCertificate(in directory: String) -> Certificate? {
        try? IdentityFiles.readCertificate(IdentityFiles.path(directory, IdentityFiles.certificate))
    }

    /// Writes the three files into a state directory, which is made if it is missing.
    public func save(directory: String) throws(IdentityError) {
        try IdentityFiles.write(key, to: IdentityFiles.path(directory, IdentityFiles.key))
        try saveCertificates(directory: directory)
    }

    /// Writes what renewal changes: each file is whole at every moment, and the two fit to each other between them.
    public func saveCertificates(directory: String) throws(IdentityError) {
        // First: a new authority's certificate below an old file would be unsigned, an old one below a new file is not.
        try IdentityFiles.write(authorities, to: IdentityFiles.path(directory, IdentityFiles.authority))
        try saveCertificate(directory: directory)
    }

    /// Writes the certificate alone: a server's authorities are changed by `authority roll` beside it, and by nobody else.
    public func saveCertificate(directory: String) throws(IdentityError) {
        try PrivateFile.write(certificate.pem, to: IdentityFiles.path(directory, IdentityFiles.certificate))
    }

    /// Whether a state directory holds an identity.
    public static func exists(directory: String) -> Bool {
        PrivateFile.exists(IdentityFiles.path(directory, IdentityFiles.certificate))
    }

    /// Whether a state directory holds a key, with or without a certificate.
    public static func keyExists(directory: String) -> Bool {
        PrivateFile.exists(IdentityFiles.path(directory, IdentityFiles.key))
    }

    /// Reads the key of a state directory, or makes and saves one if there is none yet: enrolment that was cut off
    /// after the token was used can be repeated with the same key.
    public static func key(directory: String) throws(IdentityError) -> SigningKey {
        let path = IdentityFiles.path(directory, IdentityFiles.key)
        if PrivateFile.exists(path) { return try IdentityFiles.readKey(path) }
        let key: SigningKey
        do {
            key = try SigningKey.generate()
        } catch {
            throw .primitive(error)
        }
        try IdentityFiles.write(key, to: path)
        return key
    }
}
