// SPDX-License-Identifier: MIT

public import Primitives

/// Says what became of asking for a certificate.
public enum Issuance: Equatable, Sendable {
    /// The request waits for whoever has the authority's key; who asks again later gets the certificate.
    case awaitingSignature
    /// Here it is.
    case issued(Certificate)
    /// The authority's key is here, under a passphrase that this process does not have.
    case locked
}

/// Gets the certificates of one federation, wherever the authority's key is: enrolment and renewal ask it alike.
///
/// With a key of the federation's own it signs at once. For an institution's authority it files a request and never signs:
/// somebody signs what lies in `requests`, and `accept` takes the certificate in.
public struct CertificateIssuer: Sendable {
    /// Where the authority's key is.
    private enum Custody {
        case elsewhere(RequestFolder)
        case here(CertificateAuthority)
        case locked
    }

    /// The federation.
    public let federation: FederationName
    /// The authority, and what ties the one before to it until that one is retired.
    public let authorities: Authorities
    private let custody: Custody

    /// Signs with an authority of the federation's own.
    public init(authority: CertificateAuthority) {
        self.init(
            federation: authority.federation, authorities: authority.authorities, custody: .here(authority))
    }

    private init(federation: FederationName, authorities: Authorities, custody: Custody) {
        self.federation = federation
        self.authorities = authorities
        self.custody = custody
    }

    /// The certificate of the authority that issues now.
    public var authority: Certificate { authorities.current }

    /// Whether the authority's key is encrypted and was not opened.
    public var isLocked: Bool { if case .locked = custody { true } else { false } }

    /// Whether somebody else has the authority's key.
    public var signsElsewhere: Bool { if case .elsewhere = custody { true } else { false } }

    /// Reads who issues from a server's state directory. Errors name the file.
    ///
    /// Without a passphrase an encrypted key is locked, which is no error; throws `authorityPassphraseWrong` for one that does
    /// not open it.
    public static func load(
        directory: String, passphrase: SecretBytes? = nil
    ) throws(IdentityError) -> CertificateIssuer {
        let folder = RequestFolder(directory: directory)
        let path = IdentityFiles.path(directory, IdentityFiles.authority)
        guard !folder.exists else {
            return CertificateIssuer(
                federation: try federation(directory: directory, folder),
                authorities: try IdentityFiles.readAuthorities(path), custody: .elsewhere(folder))
        }
        do throws(IdentityError) {
            return CertificateIssuer(
                authority: try CertificateAuthority.load(directory: directory, passphrase: passphrase))
        } catch .authorityKeyLocked {
            let authorities = try IdentityFiles.readAuthorities(path)
            guard let federation = CertificateAuthority.federation(of: authorities.current) else {
                throw .fileMalformed(path: path, reason: "not the certificate of a federation's authority")
            }
            return CertificateIssuer(federation: federation, authorities: authorities, custody: .locked)
        }
    }

    /// Begins a federation under an institution's authority: keeps its certificate, the coordinator's key, and the request that
    /// waits to be signed, whose path it returns.
    ///
    /// Throws what `requireSuitable` does, and the errors of writing.
    public static func establish(
        directory: String, federation: FederationName, authority: Certificate, now: Int64
    ) throws(IdentityError) -> String {
        try requireSuitable(authority, now: now)
        let folder = RequestFolder(directory: directory)
        let key = try PartyIdentity.key(directory: directory)
        let request = try CertificateRequest.make(
            .coordinator, name: "coordinator", federation: federation, key: key)
        try PrivateFile.write(authority.pem, to: IdentityFiles.path(directory, IdentityFiles.authority))
        try folder.file(request, for: .coordinator)
        return folder.requestPath(.coordinator)
    }

    /// Throws `certificateMayNotIssue` or `certificateNotValid` unless an institution's certificate can head a federation. It
    /// may be an intermediate one: certificates are trusted that this very one signed.
    public static func requireSuitable(_ authority: Certificate, now: Int64) throws(IdentityError) {
        guard authority.mayIssue else { throw .certificateMayNotIssue }
        guard authority.isValid(at: now) else {
            throw .certificateNotValid(notBefore: authority.notBefore, notAfter: authority.notAfter, now: now)
        }
    }

    /// Gets a party's certificate under its ID.
    ///
    /// - Parameters:
    ///   - name: what becomes the subject.
    ///   - request: by the same key for the same name; needed where the key is elsewhere.
    ///   - end: a certificate that came back counts only if it ends later; for a renewal the end of the present one.
    ///   - now: Unix seconds.
    /// - Throws: `nameInvalid`, `requestMissing`, `requestMismatch`, `requestsTooMany`, and the errors of files.
    public func party(
        _ publicKey: PublicKey, name: String, request: CertificateRequest?, endingAfter end: Int64? = nil, now: Int64
    ) throws(IdentityError) -> Issuance {
        let role = PartyRole.party(PartyID(publicKey: publicKey))
        guard MemberName.isValid(name) else { throw .nameInvalid }
        try request?.require(role, name: name, federation: federation, key: publicKey)
        switch custody {
        case .locked: return .locked
        case .here(let authority):
            return .issued(try authority.issueParty(publicKey: publicKey, name: name, now: now))
        case .elsewhere(let folder):
            return try obtain(role, publicKey, request, end ?? now, now, folder)
        }
    }

    /// Gets the coordinator's certificate; `end` and `now` as for a party's.
    public func coordinator(
        key: SigningKey, endingAfter end: Int64? = nil, now: Int64
    ) throws(IdentityError) -> Issuance {
        switch custody {
        case .locked: return .locked
        case .here(let authority):
            return .issued(try authority.issueCoordinator(publicKey: key.publicKey, now: now))
        case .elsewhere(let folder):
            let request = try CertificateRequest.make(
                .coordinator, name: "coordinator", federation: federation, key: key)
            return try obtain(.coordinator, key.publicKey, request, end ?? now, now, folder)
        }
    }

    /// Takes in a certificate that the authority signed elsewhere, if a request waits for it. The coordinator's own replaces
    /// the one in its state directory.
    ///
    /// - Returns: whose it is.
    /// - Throws: `requestUnknown` when no request by its key waits or the key is not elsewhere, and what is wrong with it:
    ///   `certificateIsAuthority`, `certificateNotValid`, `certificateFederationMismatch`, `certificateUnsigned`,
    ///   `certificateRejected`, or what `CertifiedRole` finds.
    public func accept(_ certificate: Certificate, now: Int64) throws(IdentityError) -> PartyRole {
        let role = try check(certificate, now: now)
        let owner = certificate.publicKey.map(PartyID.init(publicKey:))
        guard let owner else { throw .certificateKeyUnsupported }
        guard case .elsewhere(let folder) = custody, let request = try folder.request(of: role),
            request.publicKey == certificate.publicKey
        else { throw .requestUnknown(owner) }
        if role == .coordinator {
            try PartyIdentity(
                key: PartyIdentity.key(directory: folder.directory), certificate: certificate, authority: authority
            ).saveCertificates(directory: folder.directory)
        }
        try folder.take(certificate, for: role)
        return role
    }

    private func obtain(
        _ role: PartyRole, _ publicKey: PublicKey, _ request: CertificateRequest?, _ end: Int64, _ now: Int64,
        _ folder: RequestFolder
    ) throws(IdentityError) -> Issuance {
        if let certificate = try folder.certificate(of: role), certificate.publicKey == publicKey,
            certificate.notAfter > end
        {
            // Whatever lies in a folder is looked at again: it may have been put there by hand, or have ended since.
            if (try? check(certificate, now: now)) == role { return .issued(certificate) }
        }
        guard let request else { throw .requestMissing }
        if try folder.request(of: role)?.publicKey != publicKey { try folder.file(request, for: role) }
        return .awaitingSignature
    }

    private func check(_ certificate: Certificate, now: Int64) throws(IdentityError) -> PartyRole {
        guard !certificate.isAuthority else { throw .certificateIsAuthority }
        let certified = try CertifiedRole(certificate: certificate)
        guard certified.federation == federation else {
            throw .certificateFederationMismatch(expected: federation, actual: certified.federation)
        }
        guard certificate.isSigned(by: authority) else { throw .certificateUnsigned }
        guard certificate.isValid(at: now) else {
            throw .certificateNotValid(notBefore: certificate.notBefore, notAfter: certificate.notAfter, now: now)
        }
        if let failure = certificate.chainFailure(under: authority, at: now) { throw .certificateRejected(failure) }
        return certified.role
    }

    /// An institution's certificate does not name the federation: the coordinator's does, or the request for it.
    private static func federation(directory: String, _ folder: RequestFolder) throws(IdentityError) -> FederationName {
        let path = IdentityFiles.path(directory, IdentityFiles.certificate)
        let uris: [String]
        if PrivateFile.exists(path) {
            uris = try IdentityFiles.readCertificate(path).uris
        } else {
            uris = try folder.request(of: .coordinator)?.uris ?? []
        }
        guard uris.count == 1, let named = PartyRole.parse(uri: uris[0]), named.role == .coordinator else {
            throw .fileMalformed(path: path, reason: "names no coordinator of a federation")
        }
        return named.federation
    }
}
