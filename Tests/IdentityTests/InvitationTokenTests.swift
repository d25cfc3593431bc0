// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Identity

@Suite struct InvitationTokenTests {
    private func token(addresses: [String] = ["10.0.0.1:7443", "[::1]:7443"]) throws -> InvitationToken {
        try InvitationToken(
            federation: federation(), authorityFingerprint: SHA256.hash([1]),
            secret: SecretBytes(Array(0..<32)), name: "hospital-a", expiry: someTime, addresses: addresses)
    }

    /// The text of a token with these bytes.
    private func text(_ bytes: [UInt8]) -> String { InvitationToken.prefix + Base64URL.encode(bytes) }

    @Test func bytesLieAsDocumented() throws {
        let expected: [UInt8] =
            [4] + Array("demo".utf8)  // federation
            + SHA256.hash([1]).bytes  // fingerprint of the authority
            + Array(0..<32)  // secret
            + [10] + Array("hospital-a".utf8)  // name
            + [0, 0, 0, 0, 0x6a, 0x18, 0xa5, 0]  // expiry 1,780,000,000
            + [1]  // number of addresses
            + [13] + Array("10.0.0.1:7443".utf8)
        #expect(try token(addresses: ["10.0.0.1:7443"]).exposedBytes() == expected)
    }

    @Test func textIsReadAsItIsWritten() throws {
        for addresses in [[], ["10.0.0.1:7443", "[::1]:7443"]] {
            let token = try token(addresses: addresses)
            let text = token.exposedText()
            #expect(text.hasPrefix("summand1."))
            #expect(!text.contains("="))
            #expect(try InvitationToken(text: text) == token)
            #expect(try InvitationToken(text: "\n  \(text)\r\n") == token)
        }
    }

    @Test func theDescriptionKeepsTheSecret() throws {
        let token = try token()
        for text in ["\(token)", String(reflecting: token), "\(token.invitation)"] {
            #expect(!text.contains(Hexadecimal.encode(token.secret.exposedBytes())))
            #expect(!text.contains("summand1"))
        }
    }

    @Test func everyNewTokenHasASecretOfItsOwn() throws {
        let one = try InvitationToken(
            federation: federation(), authorityFingerprint: .zero, name: "a", expiry: someTime)
        let two = try InvitationToken(
            federation: federation(), authorityFingerprint: .zero, name: "a", expiry: someTime)
        #expect(one.secret.count == 32)
        #expect(one.id != two.id)
        #expect(one.id == one.invitation.id)
        #expect(one.id.bytes == Array(SHA256.hash(one.secret.exposedBytes()).bytes[..<16]))
    }

    @Test func otherTextIsNoToken() throws {
        for text in ["", "summand", "summand2.AAAA", "Summand1.AAAA", "-----BEGIN CERTIFICATE-----"] {
            #expect(throws: TokenError.prefixMissing) { try InvitationToken(text: text) }
        }
    }

    @Test func badCharactersAreNamedByPlace() throws {
        let text = try token().exposedText()
        for bad in ["+", "/", "=", " ", "é"] {
            var changed = text
            let index = changed.index(changed.startIndex, offsetBy: 20)
            changed.replaceSubrange(index...index, with: bad)
            #expect(throws: TokenError.base64Invalid(offset: 20)) { try InvitationToken(text: changed) }
        }
    }

    @Test func aCutTokenSaysWhereItEnds() throws {
        let bytes = try token().exposedBytes()
        let fields: [(Int, String)] = [
            (0, "federation"), (4, "federation"), (5, "fingerprint"), (36, "fingerprint"), (37, "secret"),
            (68, "secret"), (69, "name"), (79, "name"), (80, "expiry"), (87, "expiry"), (88, "addresses"),
            (89, "addresses"), (bytes.count - 1, "addresses"),
        ]
        for (count, field) in fields {
            #expect(throws: TokenError.truncated(field: field), "\(count) bytes") {
                try InvitationToken(text: text(Array(bytes[..<count])))
            }
        }
        #expect(throws: TokenError.trailingBytes(count: 2)) { try InvitationToken(text: text(bytes + [0, 0])) }
    }

    @Test func everyTokenHasOneText() throws {
        // One byte beyond a multiple of three leaves four bits over in the last character; only zeros may stand there.
        let token = try token(addresses: ["10.0.0.1:7443"])
        try #require(token.exposedBytes().count % 3 == 1)
        let good = token.exposedText()
        let end = good.utf8.count - 1
        var refused = 0
        for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
            let text = String(good.dropLast()) + String(character)
            if (try? InvitationToken(text: text)) == nil { refused += 1 }
        }
        // Four characters are left; they stand for other ports.
        #expect(refused == 60)
        #expect(throws: TokenError.base64Invalid(offset: end)) {
            try InvitationToken(text: String(good.dropLast()) + "B")
        }
        #expect(try InvitationToken(text: good) == token)
    }

    @Test func faultyFieldsAreNamed() throws {
        let bytes = try token().exposedBytes()
        var federation = bytes
        federation[1] = UInt8(ascii: "/")
        #expect(throws: TokenError.federationInvalid) { try InvitationToken(text: text(federation)) }
        var name = bytes
        name[70] = 0x07
        #expect(throws: TokenError.nameInvalid) { try InvitationToken(text: text(name)) }
        var address = bytes
        address[90] = UInt8(ascii: " ")
        #expect(throws: TokenError.addressInvalid) { try InvitationToken(text: text(address)) }
        var many = bytes
        many[88] = 17
        #expect(throws: TokenError.addressInvalid) { try InvitationToken(text: text(many)) }
    }

    @Test func expires() throws {
        let token = try token()
        try token.requireUnexpired(now: someTime)
        #expect(throws: TokenError.expired(at: someTime)) { try token.requireUnexpired(now: someTime + 1) }
    }

    @Test func invitationsNeedSoundParts() throws {
        let demo = try federation()
        #expect(throws: TokenError.nameInvalid) {
            try InvitationToken(federation: demo, authorityFingerprint: .zero, name: "", expiry: 0)
        }
        #expect(throws: TokenError.addressInvalid) {
            try InvitationToken(federation: demo, authorityFingerprint: .zero, name: "a", expiry: 0, addresses: ["a b"])
        }
        #expect(throws: TokenError.addressInvalid) {
            try InvitationToken(
                federation: demo, authorityFingerprint: .zero, name: "a", expiry: 0,
                addresses: Array(repeating: "a:1", count: 17))
        }
    }

    @Test func mutatedTokensNeverTrap() throws {
        var generator = SeededGenerator()
        let token = try token()
        let (bytes, characters) = (token.exposedBytes(), Array(token.exposedText().utf8))
        for _ in 0..<5_000 {
            _ = try? InvitationToken(text: text(mutated(bytes, using: &generator)))
            _ = try? InvitationToken(text: String(decoding: mutated(characters, using: &generator), as: UTF8.self))
        }
    }

    @Test func base64URLIsThatOfRFC4648() throws {
        // RFC 4648, section 10, without padding.
        let pairs = ["": "", "f": "Zg", "fo": "Zm8", "foo": "Zm9v", "foob": "Zm9vYg", "fooba": "Zm9vYmE"]
        for (plain, encoded) in pairs {
            #expect(Base64URL.encode(Array(plain.utf8)) == encoded)
            #expect(try Base64URL.decode(encoded) == Array(plain.utf8))
        }
        #expect(Base64URL.encode([0xfb, 0xff]) == "-_8")
        #expect(throws: Base64URL.InvalidCharacter(offset: 1)) { try Base64URL.decode("Zh") }
        #expect(throws: Base64URL.InvalidCharacter(offset: 0)) { try Base64URL.decode("Z") }
    }
}
