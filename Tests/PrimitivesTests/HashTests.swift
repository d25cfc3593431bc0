// SPDX-License-Identifier: MIT

import Primitives
import Testing

@Suite struct HashTests {
    @Test func knownHashes() {
        // FIPS 180-4's examples.
        #expect(
            SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256.hash(Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func piecesHashLikeTheWhole() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var hasher = SHA256Hasher()
        hasher.update(bytes[..<1])
        hasher.update([UInt8]())
        hasher.update(bytes[1..<64])
        hasher.update(bytes.span.bytes.extracting(64..<500))
        hasher.update(Array(bytes[500...]))
        #expect(hasher.finalize() == SHA256.hash(bytes))
        #expect(SHA256.hash(bytes[10..<20]) == SHA256.hash(Array(bytes[10..<20])))
    }

    @Test func copiesOfAHasherPartWays() {
        var one = SHA256Hasher()
        one.update([1])
        var two = one
        one.update([2])
        two.update([3])
        #expect(one.finalize() == SHA256.hash([1, 2]))
        #expect(two.finalize() == SHA256.hash([1, 3]))
        one.update([4])
        #expect(one.finalize() == SHA256.hash([1, 2, 4]))
    }

    @Test func digestsTakeExactly32Bytes() {
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 32)) == .zero)
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 33)) == nil)
        let small = Digest.zero
        let large = SHA256.hash([])
        #expect(small < large)
        #expect(!(large < small))
    }

    @Test func hexadecimalReadsWhatItWrites() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        #expect(Hexadecimal.decode("ABcd") == [0xab, 0xcd])
        #expect(Hexadecimal.decode("abc") == nil)
        #expect(Hexadecimal.decode("0g") == nil)
        #expect(Hexadecimal.decode("é") == nil)
    }
}

@Suite struct MACTests {
    struct Case: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let tag: String
    }

    /// RFC 4231, section 4, test cases 1 to 4, 6 and 7.
    static let rfc4231 = [
        Case(
            key: .init(repeating: 0x0b, count: 20), message: Array("Hi There".utf8),
            tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Case(
            key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Case(
            key: .init(repeating: 0xaa, count: 20), message: .init(repeating: 0xdd, count: 50),
            tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        Case(
            key: Array(1...25), message: .init(repeating: 0xcd, count: 50),
            tag: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        Case(
            key: .init(repeating: 0xaa, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Case(
            key: .init(repeating: 0xaa, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
            tag: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test(arguments: rfc4231)
    func authenticatesAsInRFC4231(vector: Case) {
        let key = SecretBytes(vector.key)
        let tag = HMACSHA256.authenticate(vector.message, key: key)
        #expect(tag.hex == vector.tag)
        #expect(HMACSHA256.isValid(tag: tag.bytes, for: vector.message, key: key))
        #expect(!HMACSHA256.isValid(tag: Array(tag.bytes.dropLast()), for: vector.message, key: key))
        #expect(!HMACSHA256.isValid(tag: tag.bytes, for: vector.message + [0], key: key))
    }

    @Test func anEmptyKeyIsAKey() {
        let expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        #expect(HMACSHA256.authenticate([], key: [UInt8]()).hex == expected)
        #expect(HMACSHA256.authenticate([], key: SecretBytes([UInt8]())).hex == expected)
    }
}

@Suite struct KeyDerivationTests {
    /// RFC 5869, appendix A, test cases 1 to 3.
    @Test func derivesAsInRFC5869() throws {
        let short = HKDFSHA256.derive(
            salt: Array(0x00...0x0c), inputKey: SecretBytes(.init(repeating: 0x0b, count: 22)),
            info: Array(0xf0...0xf9), count: 42)
        #expect(
            short.exposedBytes()
                == (try hex(
                    """
                    3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
                    34007208d5b887185865
                    """)))
        let long = HKDFSHA256.derive(
            salt: Array(0x60...0xaf), inputKey: SecretBytes(Array(0x00...0x4f)), info: Array(0xb0...0xff), count: 82)
        #expect(
            long.exposedBytes()
                == (try hex(
                    """
                    b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                    59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                    cc30c58179ec3e87c14c01d5c1f3434f1d87
                    """)))
        let bare = HKDFSHA256.derive(
            salt: [], inputKey: SecretBytes(.init(repeating: 0x0b, count: 22)), info: [], count: 42)
        #expect(
            bare.exposedBytes()
                == (try hex(
                    """
                    8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
                    9d201395faa4b61a96c8
                    """)))
    }
}

@Suite struct SecretTests {
    @Test func secretsKeepTheirBytesAndHideThem() {
        let secret = SecretBytes([1, 2, 3])
        #expect(secret.exposedBytes() == [1, 2, 3])
        #expect(secret.withBytes { $0.byteCount } == 3)
        #expect("\(secret)" == "SecretBytes(3 bytes)")
        #expect(String(reflecting: secret) == "SecretBytes(3 bytes)")
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func secretsCompareByValue() {
        #expect(SecretBytes([1, 2, 3]) == SecretBytes([1, 2, 3]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2, 4]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2]))
        #expect(SecretBytes([UInt8]()) == SecretBytes([UInt8]()))
    }

    @Test func aDerivedKeyIsTheMAC() {
        let key = SecretBytes([1, 2, 3])
        let derived = HMACSHA256.deriveKey([4, 5], key: key)
        #expect(derived.exposedBytes() == HMACSHA256.authenticate([4, 5], key: key).bytes)
    }

    @Test func wipedBytesAreZeroAndCopiesAreNot() {
        var bytes: [UInt8] = [1, 2, 3]
        let copy = bytes
        SecretBytes.wipe(&bytes)
        #expect(bytes == [0, 0, 0])
        #expect(copy == [1, 2, 3])
    }

    @Test func takingASecretLeavesTheCallersCopyAlone() {
        let bytes: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(bytes)
        #expect(bytes == [1, 2, 3])
        #expect(secret.count == 3)
    }

    @Test func randomValuesDiffer() {
        #expect(SecretBytes(randomCount: 32) != SecretBytes(randomCount: 32))
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(SecureRandom.bytes(0).isEmpty)
        var generator = SystemRandom()
        #expect(generator.next() != generator.next())
    }
}
