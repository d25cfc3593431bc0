// SPDX-License-Identifier: MIT

import Glibc
public import Primitives

/// How an authority gives its place to another one with a key of its own (RFC 4210, section 4.4).
extension CertificateAuthority {
    /// Makes the authority that takes this one's place, and has each certify the other's key.
    ///
    /// The new one has the same name. What lies between them is therefore self-issued (RFC 5280, section 6.1), and does not
    /// count towards the path length of 0 that authorities of federations have. Throws `authorityChanging` before the one
    /// before this one is retired: at no time are there more than two.
    public func successor(now: Int64) throws(IdentityError) -> CertificateAuthority {
        guard authorities.succession == nil else { throw .authorityChanging }
        do {
            let next = try SigningKey.generate()
            let fresh = template(until: now + Self.validitySeconds, now: now)
            let current = try Certificate.issue(fresh, publicKey: next.publicKey, issuer: nil, signer: next)
            // Between them until the old one ends: afterwards nobody holds it.
            let between = template(until: min(certificate.notAfter, current.notAfter), now: now)
            let newWithOld = try Certificate.issue(
                between, publicKey: next.publicKey, issuer: certificate, signer: key)
            let oldWithNew = try Certificate.issue(
                template(until: between.notAfter, now: now), publicKey: key.publicKey, issuer: current, signer: next)
            return CertificateAuthority(
                federation: federation,
                authorities: try Authorities(list: [current, newWithOld, certificate, oldWithNew]), key: next)
        } catch let error as PrimitiveError {
            throw .primitive(error)
        } catch let error as IdentityError {
            throw error
        } catch {
            throw .authoritiesUnrelated
        }
    }

    /// This authority alone, the one before it forgotten.
    public var alone: CertificateAuthority {
        CertificateAuthority(federation: federation, authorities: Authorities(certificate), key: key)
    }

    /// Puts this authority into the place of the one in a state directory, whose key is then gone.
    ///
    /// The new `ca.pem` decides: before it is there, all is as it was; from then on the new key counts, which lies beside the
    /// old one until it has replaced it. `load` reads every state that a crash can leave.
    public func succeed(directory: String, passphrase: SecretBytes? = nil) throws(IdentityError) {
        for step in SuccessionStep.allCases {
            try perform(step, directory: directory, passphrase: passphrase)
        }
    }

    /// What `succeed` does, in order.
    enum SuccessionStep: CaseIterable {
        case keepKey, decide, replaceKey, removeKey
    }

    func perform(_ step: SuccessionStep, directory: String, passphrase: SecretBytes?) throws(IdentityError) {
        let next = IdentityFiles.path(directory, IdentityFiles.nextAuthorityKey)
        switch step {
        case .keepKey: try IdentityFiles.write(key, to: next, passphrase: passphrase)
        case .decide: try authorities.save(in: directory)
        case .replaceKey:
            try IdentityFiles.write(
                key, to: IdentityFiles.path(directory, IdentityFiles.authorityKey), passphrase: passphrase)
        case .removeKey:
            guard unlink(next) == 0 || errno == ENOENT else {
                throw .fileUnwritable(path: next, reason: String(cString: strerror(errno)))
            }
        }
    }

    /// Ends what a crash has left of `succeed`.
    public func finishSuccession(directory: String, passphrase: SecretBytes? = nil) throws(IdentityError) {
        guard PrivateFile.exists(IdentityFiles.path(directory, IdentityFiles.nextAuthorityKey)) else { return }
        try perform(.replaceKey, directory: directory, passphrase: passphrase)
        try perform(.removeKey, directory: directory, passphrase: passphrase)
    }

    /// Reads the key of an authority: where it is kept, or, after a crash, where it lay before that.
    static func readKey(
        of certificate: Certificate, directory: String, passphrase: SecretBytes?
    ) throws(IdentityError) -> SigningKey {
        let next = IdentityFiles.path(directory, IdentityFiles.nextAuthorityKey)
        let path = IdentityFiles.path(directory, IdentityFiles.authorityKey)
        let kept = try IdentityFiles.readKey(path, passphrase: passphrase)
        guard kept.publicKey != certificate.publicKey, PrivateFile.exists(next) else { return kept }
        return try IdentityFiles.readKey(next, passphrase: passphrase)
    }

    private func template(until end: Int64, now: Int64) -> CertificateTemplate {
        CertificateTemplate(
            subject: certificate.subjectCommonName, uris: [Self.uri(of: federation)], isAuthority: true,
            notBefore: now - Self.skewSeconds, notAfter: end)
    }
}
