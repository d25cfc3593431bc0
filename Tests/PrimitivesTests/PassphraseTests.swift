// SPDX-License-Identifier: MIT

import Primitives
import Testing

@Suite struct PassphraseTests {
    private let key: SigningKey
    private let directory: TemporaryDirectory
    private let passphrase = secret("correct horse")

    init() throws {
        key = try SigningKey.generate()
        directory = try TemporaryDirectory()
    }

    private static func secret(_ text: String) -> SecretBytes { SecretBytes(Array(text.utf8)) }

    @Test func aPassphraseOpensWhatItClosed() throws {
        let pem = try key.pem(passphrase: passphrase)
        #expect(SigningKey.isEncrypted(pem: pem))
        #expect(try SigningKey(pem: pem, passphrase: passphrase).publicKey == key.publicKey)
        #expect(throws: PrimitiveError.keyEncrypted) { try SigningKey(pem: pem) }
        for wrong in ["correct hors", "correct horse ", "", String(repeating: "x", count: 2_000)] {
            #expect(throws: PrimitiveError.passphraseWrong) { try SigningKey(pem: pem, passphrase: Self.secret(wrong)) }
        }
    }

    @Test func twoFilesOfOneKeyShareNothing() throws {
        let (first, second) = (try key.pem(passphrase: passphrase), try key.pem(passphrase: passphrase))
        #expect(first != second)
    }

    @Test func opensslOpensItAndSeesTheStatedAlgorithms() throws {
        try directory.write(key.pem(passphrase: passphrase).exposedBytes(), to: "key.pem")
        try directory.write("correct horse\n", to: "passphrase")
        try directory.openssl("pkcs8", "-in", "key.pem", "-passin", "file:passphrase", "-out", "plain.pem")
        #expect(try SigningKey(pem: directory.text("plain.pem")).publicKey == key.publicKey)
        let structure = try directory.openssl("asn1parse", "-in", "key.pem")
        for part in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", ":0927C0"] {
            #expect(structure.contains(part), "\(part)")
        }
        #expect(SigningKey.passphraseIterations == 0x09_27c0)
    }

    @Test func whatOpensslEncryptsOpens() throws {
        for form in [["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256"], ["-scrypt"]] {
            try directory.write(key.pem().exposedBytes(), to: "plain.pem")
            try directory.openssl(
                ["pkcs8", "-topk8", "-in", "plain.pem", "-out", "key.pem", "-passout", "pass:correct horse"] + form)
            let pem = SecretBytes(try directory.read("key.pem"))
            #expect(try SigningKey(pem: pem, passphrase: passphrase).publicKey == key.publicKey)
        }
    }

    @Test func aPassphraseForAnOpenKeyDoesNoHarm() throws {
        let pem = try key.pem()
        #expect(!SigningKey.isEncrypted(pem: pem))
        #expect(try SigningKey(pem: pem, passphrase: passphrase).publicKey == key.publicKey)
    }

    @Test func anEmptyPassphraseAndOneThatIsTooLongCloseNothing() {
        for count in [0, SigningKey.passphraseBytesMax + 1] {
            let unsuitable = SecretBytes([UInt8](repeating: 0x78, count: count))
            #expect(throws: PrimitiveError.passphraseUnsuitable) { try key.pem(passphrase: unsuitable) }
        }
    }

    @Test func aDamagedKeyDoesNotOpen() throws {
        var pem = try key.pem(passphrase: passphrase).exposedBytes()
        // Within the encrypted key, whose text ends some 30 bytes before the file does.
        let index = pem.count - 60
        pem[index] = pem[index] == 0x41 ? 0x42 : 0x41
        #expect(throws: PrimitiveError.passphraseWrong) {
            try SigningKey(pem: SecretBytes(pem), passphrase: passphrase)
        }
    }
}
