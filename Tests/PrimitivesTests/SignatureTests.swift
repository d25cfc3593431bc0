// SPDX-License-Identifier: MIT

import Primitives
import Testing

@Suite struct SignatureTests {
    /// RFC 6979, appendix A.2.5: the P-256 key and its SHA-256 signatures.
    private let scalar = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
    private let point = """
        60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
        7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299
        """
    private let sample: (r: String, s: String) = (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )
    private let test: (r: String, s: String) = (
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
    )
    private let order = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"
    private let spkiPrefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200"

    private func key() throws -> SigningKey { try SigningKey(scalar: SecretBytes(hex(scalar))) }

    /// SEQUENCE { INTEGER r, INTEGER s } with minimal lengths.
    private func der(_ r: [UInt8], _ s: [UInt8]) -> [UInt8] {
        func integer(_ value: [UInt8]) -> [UInt8] {
            var digits = Array(value.drop { $0 == 0 })
            if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
            return [0x02, UInt8(digits.count)] + digits
        }
        let content = integer(r) + integer(s)
        return [0x30, UInt8(content.count)] + content
    }

    @Test func theScalarGivesTheKeyOfRFC6979() throws {
        let expected = try hex(spkiPrefix + "04" + point)
        #expect(try key().publicKey.spki == expected)
        #expect(try key().publicKey == PublicKey(spki: expected))
    }

    @Test func signaturesOfRFC6979Verify() throws {
        let publicKey = try key().publicKey
        let sampleSignature = try der(hex(sample.r), hex(sample.s))
        let testSignature = try der(hex(test.r), hex(test.s))
        #expect(publicKey.isValid(signature: sampleSignature, for: Array("sample".utf8)))
        #expect(publicKey.isValid(signature: testSignature, for: Array("test".utf8)))
        #expect(!publicKey.isValid(signature: sampleSignature, for: Array("test".utf8)))
        #expect(!publicKey.isValid(signature: testSignature, for: Array("sample".utf8)))
    }

    @Test func ownSignaturesVerifyUnderTheirKeyOnly() throws {
        let key = try SigningKey.generate()
        for message in [[], [0], [UInt8](repeating: 9, count: 100_000)] as [[UInt8]] {
            let signature = try key.sign(message)
            #expect(key.publicKey.isValid(signature: signature, for: message))
            #expect(!key.publicKey.isValid(signature: signature, for: message + [0]))
            #expect(try !SigningKey.generate().publicKey.isValid(signature: signature, for: message))
        }
    }

    /// The kinds of faulty signatures that Wycheproof's ecdsa_secp256r1_sha256 collects.
    @Test func faultySignaturesAreRefused() throws {
        let publicKey = try key().publicKey
        let message = Array("sample".utf8)
        let (r, s) = try (hex(sample.r), hex(sample.s))
        let good = der(r, s)
        let zero: [UInt8] = [0]
        let n = try hex(order)
        let padded = [0x30, good[1] + 1, 0x02, 0x22, 0x00] + good[4...]
        let longForm = [0x30, 0x81] + good[1...]
        let negative = [0x30, good[1] - 1, 0x02, 0x20] + good[5...]
        let faults: [String: [UInt8]] = [
            "empty": [], "a trailing byte": good + [0], "a leading byte": [0] + good, "r and s swapped": der(s, r),
            "r = 0": der(zero, s), "s = 0": der(r, zero), "both 0": der(zero, zero), "r = n": der(n, s),
            "s = n": der(r, n), "superfluous zero": Array(padded), "length in long form": Array(longForm),
            "negative r": Array(negative), "r + n": der(adding(n, to: r), s), "raw r and s": r + s,
            "indefinite length": [0x30, 0x80] + good[2...] + [0, 0],
        ]
        #expect(publicKey.isValid(signature: good, for: message))
        for (fault, signature) in faults {
            #expect(!publicKey.isValid(signature: signature, for: message), "\(fault)")
        }
        for count in 0..<good.count {
            #expect(!publicKey.isValid(signature: Array(good[..<count]), for: message), "cut to \(count) bytes")
        }
        for bit in 0..<good.count * 8 {
            var flipped = good
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(!publicKey.isValid(signature: flipped, for: message), "bit \(bit) flipped")
        }
    }

    @Test func onlyTheOneEncodingOfAKeyIsAccepted() throws {
        let good = try key().publicKey.spki
        var compressed = try hex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
        compressed += [good[90] & 1 == 0 ? 2 : 3] + good[27..<59]
        #expect(throws: PrimitiveError.keyUnsupported) { try PublicKey(spki: compressed) }
        #expect(throws: PrimitiveError.keyUnsupported) { try PublicKey(spki: good + [0]) }
        #expect(throws: PrimitiveError.keyUnsupported) { try PublicKey(spki: Array(good.dropLast())) }
        #expect(throws: PrimitiveError.keyUnsupported) { try PublicKey(spki: []) }
        var secp256k1 = good
        secp256k1[22] = 0x0a
        #expect(throws: PrimitiveError.keyUnsupported) { try PublicKey(spki: secp256k1) }
    }

    @Test func aPointOffTheCurveIsRefusedWithLibcryptosReasons() throws {
        var spki = try key().publicKey.spki
        spki[90] ^= 1
        #expect {
            try PublicKey(spki: spki)
        } throws: { error in
            guard case .keyMalformed(let stack) = error as? PrimitiveError else { return false }
            return !stack.isEmpty && stack.allSatisfy { $0.code != 0 && !$0.description.isEmpty }
        }
    }

    @Test func privateKeysSurviveTheirEncodings() throws {
        let key = try key()
        #expect(try SigningKey(pem: key.pem()).publicKey == key.publicKey)
        #expect(try SigningKey(der: key.der()).publicKey == key.publicKey)
        let pem = String(decoding: try key.pem().exposedBytes(), as: UTF8.self)
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(try SigningKey(pem: pem).publicKey == key.publicKey)
        #expect("\(key)" == "SigningKey(\(key.publicKey.spkiHash.hex.prefix(16))…)")
    }

    @Test func whatIsNoPrivateKeyIsRefused() throws {
        let der = try key().der().exposedBytes()
        for bytes in [[], [0], Array(der.dropLast()), der + [0]] as [[UInt8]] {
            #expect(throws: PrimitiveError.self) { try SigningKey(der: SecretBytes(bytes)) }
        }
        #expect(throws: PrimitiveError.self) { try SigningKey(pem: "") }
        #expect(throws: PrimitiveError.self) { try SigningKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n") }
        #expect(throws: PrimitiveError.self) { try SigningKey(scalar: SecretBytes(.init(repeating: 0, count: 32))) }
        #expect(throws: PrimitiveError.self) { try SigningKey(scalar: SecretBytes(hex(order))) }
        #expect(throws: PrimitiveError.self) { try SigningKey(scalar: SecretBytes([1])) }
    }

    @Test func halvesThatDoNotBelongTogetherAreRefused() throws {
        var der = try key().der().exposedBytes()
        let other = try SigningKey.generate().publicKey.spki
        let start = der.count - 64
        der.replaceSubrange(start..., with: other[27...])
        #expect(throws: PrimitiveError.self) { try SigningKey(der: SecretBytes(der)) }
    }

    @Test func mutatedKeysNeverTrap() throws {
        var generator = SeededGenerator()
        let spki = try key().publicKey.spki
        let der = try key().der().exposedBytes()
        for _ in 0..<2_000 {
            _ = try? PublicKey(spki: mutated(spki, using: &generator))
            _ = try? SigningKey(der: SecretBytes(mutated(der, using: &generator)))
        }
    }

    private func adding(_ left: [UInt8], to right: [UInt8]) -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: 33)
        var carry = 0
        for index in stride(from: 31, through: 0, by: -1) {
            let digit = Int(left[index]) + Int(right[index]) + carry
            sum[index + 1] = UInt8(digit & 0xff)
            carry = digit >> 8
        }
        sum[0] = UInt8(carry)
        return sum
    }
}
