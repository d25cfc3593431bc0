// SPDX-License-Identifier: MIT

public import Primitives

extension CertificateRequest {
    /// Makes the request for a role in a federation; `name` becomes the subject. Throws `nameInvalid` or `primitive`.
    public static func make(
        _ role: PartyRole, name: String, federation: FederationName, key: SigningKey
    ) throws(IdentityError) -> CertificateRequest {
        guard MemberName.isValid(name) else { throw .nameInvalid }
        do {
            return try make(subject: name, uris: [role.uri(in: federation)], key: key)
        } catch {
            throw .primitive(error)
        }
    }

    /// Throws `requestMismatch` unless the request is by this key for this role, and for nothing else.
    func require(_ role: PartyRole, name: String, federation: FederationName, key: PublicKey) throws(IdentityError) {
        guard publicKey == key, subjectCommonName == name, uris == [role.uri(in: federation)] else {
            throw .requestMismatch
        }
    }
}
