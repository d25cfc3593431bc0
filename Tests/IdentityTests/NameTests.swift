// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Testing

/// `bytes.json`, as far as it concerns parties.
private struct PartiesFile: Decodable {
    struct Party: Decodable {
        let spki, spkiHash, PartyID: String
    }
    struct RosterCase: Decodable {
        let members: Int
        let input, H, fingerprint: String
    }
    let parties: [Party]
    let membersSorted: [String]
    let roster: [RosterCase]

    static func load() throws -> PartiesFile {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/bytes.json")
        return try JSONDecoder().decode(PartiesFile.self, from: Data(contentsOf: url))
    }
}

@Suite struct PartyIDTests {
    @Test func idsOfTheVectors() throws {
        let file = try PartiesFile.load()
        var ids: [PartyID] = []
        for party in file.parties {
            let key = try PublicKey(spki: try #require(Hexadecimal.decode(party.spki)))
            let id = PartyID(publicKey: key)
            #expect(id.hex == party.PartyID)
            #expect(PartyID(hex: party.PartyID) == id)
            ids.append(id)
        }
        #expect(ids.sorted().map(\.hex) == file.membersSorted)
    }

    @Test func onlySixteenBytesInLowerCaseAreAnID() {
        #expect(PartyID(bytes: [UInt8](repeating: 1, count: 15)) == nil)
        #expect(PartyID(bytes: [UInt8](repeating: 1, count: 17)) == nil)
        #expect(PartyID(hex: "0102030405060708090a0b0c0d0e0f10") != nil)
        #expect(PartyID(hex: "0102030405060708090A0b0c0d0e0f10") == nil)
        #expect(PartyID(hex: "0102030405060708090a0b0c0d0e0f1") == nil)
    }

    @Test func survivesJSON() throws {
        let id = try #require(PartyID(bytes: Array(0..<16)))
        let json = try JSONEncoder().encode([id])
        #expect(String(decoding: json, as: UTF8.self) == "[\"000102030405060708090a0b0c0d0e0f\"]")
        #expect(try JSONDecoder().decode([PartyID].self, from: json) == [id])
    }
}

@Suite struct RosterTests {
    @Test func fingerprintsOfTheVectors() throws {
        let file = try PartiesFile.load()
        for vector in file.roster {
            // The input is the label, a zero byte, and the hashes in order.
            let input = try #require(Hexadecimal.decode(vector.input))
            let start = input.count - vector.members * Digest.count
            let hashes = (0..<vector.members).compactMap {
                Digest(bytes: input[(start + $0 * Digest.count)..<(start + ($0 + 1) * Digest.count)])
            }
            #expect(Roster.fingerprint(spkiHashes: hashes) == vector.fingerprint)
            #expect(Roster.fingerprint(spkiHashes: hashes.reversed()) == vector.fingerprint)
            #expect(Roster.fingerprint(spkiHashes: Array(hashes.dropLast())) != vector.fingerprint)
        }
    }
}

@Suite struct FederationNameTests {
    @Test(arguments: ["a", "demo", "Demo-2", String(repeating: "x", count: 63)])
    func accepts(name: String) throws {
        #expect(try federation(name).text == name)
    }

    @Test(arguments: ["", "a b", "a/b", "a.b", "a_b", "é", "a\n", String(repeating: "x", count: 64)])
    func refuses(name: String) {
        #expect(FederationName(name) == nil)
    }

    @Test func readsOnlyValidNamesFromJSON() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([FederationName].self, from: Data("[\"a/b\"]".utf8))
        }
    }
}

@Suite struct MemberNameTests {
    @Test(arguments: ["a", "hospital-a", "Hôpital de l'Est", "病院", String(repeating: "x", count: 64)])
    func accepts(name: String) {
        #expect(MemberName.isValid(name))
    }

    @Test(arguments: [
        "", " a", "a ", "a\n", "a\u{1b}[31m", "a\u{202e}b", "a\u{200b}b", "a\u{00a0}b", "a\u{2028}", "\u{fffe}",
        String(repeating: "é", count: 33),
    ])
    func refuses(name: String) {
        #expect(!MemberName.isValid(name))
    }
}

@Suite struct PartyRoleTests {
    private let id = PartyID(hex: "0102030405060708090a0b0c0d0e0f10")

    @Test func urisAreReadAsTheyAreWritten() throws {
        let demo = try federation()
        for role in [.coordinator, .party(try #require(id))] as [PartyRole] {
            let parsed = try #require(PartyRole.parse(uri: role.uri(in: demo)))
            #expect(parsed.federation == demo)
            #expect(parsed.role == role)
        }
        #expect(PartyRole.coordinator.uri(in: demo) == "spiffe://demo/coordinator")
        #expect(
            PartyRole.party(try #require(id)).uri(in: demo) == "spiffe://demo/party/0102030405060708090a0b0c0d0e0f10")
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe://demo", "spiffe://demo/", "spiffe:///coordinator", "spiffe://demo/coordinator/",
        "spiffe://demo//coordinator", "spiffe://demo/Coordinator", "SPIFFE://demo/coordinator",
        "https://demo/coordinator", "spiffe://demo:1/coordinator", "spiffe://demo/coordinator?x", "spiffe://demo/party",
        "spiffe://demo/party/", "spiffe://demo/party/0102", "spiffe://demo/party/0102030405060708090A0B0C0D0E0F10",
        "spiffe://demo/party/0102030405060708090a0b0c0d0e0f10/x",
        "spiffe://demo/helper/0102030405060708090a0b0c0d0e0f10",
    ])
    func otherURIsAreNoRole(uri: String) {
        #expect(PartyRole.parse(uri: uri) == nil)
    }
}

@Suite struct RevocationTests {
    @Test func aRevokedKeyStaysOutWithAnyCertificate() throws {
        let authority = try CertificateAuthority.create(federation: federation(), now: someTime)
        let key = try SigningKey.generate().publicKey
        let first = try authority.issueParty(publicKey: key, name: "a", now: someTime)
        var revocation = Revocation()
        #expect(!revocation.contains(first))
        revocation.revoke(key.spkiHash)
        let renewed = try authority.issueParty(publicKey: key, name: "b", now: someTime + 1)
        #expect(revocation.contains(first))
        #expect(revocation.contains(renewed))
        #expect(revocation.contains(key.spkiHash))
        let other = try authority.issueParty(publicKey: SigningKey.generate().publicKey, name: "a", now: someTime)
        #expect(!revocation.contains(other))
    }
}
