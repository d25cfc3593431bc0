// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import TLS
import Transport

/// Two identities of one authority, made for one measurement.
struct Federation {
    let name: FederationName
    let authority: Certificate
    let coordinator: TLSIdentity
    let party: TLSIdentity

    /// Something that cannot be measured; `what` says what happened instead.
    struct Impossible: Error, CustomStringConvertible {
        let what: String
        var description: String { "cannot be measured: \(what)" }
    }

    init() throws {
        guard let name = FederationName("bench") else { throw Impossible(what: "bench is no name") }
        self.name = name
        let key = try SigningKey.generate()
        authority = try Self.certificate("bench CA", [], key.publicKey, issuer: nil, key)
        let keys = try [SigningKey.generate(), SigningKey.generate()]
        let roles: [PartyRole] = [.coordinator, .party(PartyID(publicKey: keys[1].publicKey))]
        let identities = try zip(keys, roles).map { [authority] leafKey, role in
            let leaf = try Self.certificate(
                "bench", [role.uri(in: name)], leafKey.publicKey, issuer: authority, key)
            // As in the programs: a coordinator sends its authority along, a party does not.
            let chain = role == .coordinator ? [leaf.der, authority.der] : [leaf.der]
            return TLSIdentity(certificateChainDER: chain, key: leafKey, trustAnchors: [authority])
        }
        (coordinator, party) = (identities[0], identities[1])
    }

    /// What `fileText` wrote.
    init(fileText: String) throws {
        let parts = fileText.split(separator: "|").map(String.init)
        guard parts.count == 3, let name = FederationName("bench") else {
            throw Impossible(what: "no federation in the input")
        }
        self.name = name
        authority = try Certificate(pem: parts[0])
        party = TLSIdentity(
            certificateChainDER: [try Certificate(pem: parts[1]).der],
            key: try SigningKey(pem: parts[2]), trustAnchors: [authority])
        coordinator = party
    }

    /// Authority, party's certificate and party's key, for another process of this measurement.
    func fileText() throws -> String {
        let key = String(decoding: try party.key.pem().exposedBytes(), as: UTF8.self)
        return [authority.pem, try leaf(of: party).pem, key].joined(separator: "|")
    }

    func leaf(of identity: TLSIdentity) throws -> Certificate { try Certificate(der: identity.certificateChainDER[0]) }

    private static func certificate(
        _ subject: String, _ uris: [String], _ publicKey: PublicKey, issuer: Certificate?, _ signer: SigningKey
    ) throws -> Certificate {
        let now = Int64(Date().timeIntervalSince1970)
        return try Certificate.issue(
            CertificateTemplate(
                subject: subject, uris: uris, isAuthority: issuer == nil, notBefore: now - 3_600, notAfter: now + 86_400
            ),
            publicKey: publicKey, issuer: issuer, signer: signer)
    }
}
