// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct PrimeModulusTests {
    @Test func primesOfManySizesAreTaken() throws {
        #expect(try PrimeModulus(decimal: "2").bits == 2)
        #expect(try PrimeModulus(decimal: "18446744069414584321") == .field64)
        #expect(try PrimeModulus(hexadecimal: "ffffffff00000001") == .field64)
        #expect(try PrimeModulus(hexadecimal: "FFFFFFFF00000001") == .field64)
        #expect(try PrimeModulus(limbs: [Field64.modulus, 0, 0]) == .field64)
        #expect(try PrimeModulus(bigEndianBytes: [0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]) == .field64)
        let curve25519 = try PrimeModulus(bigEndianBytes: [0x7F] + [UInt8](repeating: 0xFF, count: 30) + [0xED])
        #expect(curve25519.bits == 255)
        #expect(curve25519.limbs.count == 4)
        let mersenne = try PrimeModulus(limbs: [UInt64](repeating: .max, count: 8) + [0x1FF])
        #expect(mersenne.bits == 521)
    }

    @Test(arguments: ["0", "1", "4", "18446744069414584319", "3215031751", "00"])
    func compositesAreRefused(text: String) {
        // 3215031751 is a strong pseudoprime to the bases 2, 3, 5 and 7.
        #expect(throws: FieldError.notPrime) { try PrimeModulus(decimal: text) }
    }

    @Test(arguments: ["", "-7", "+7", " 7", "7 ", "0x11", "12a", "٧"])
    func textThatIsNoNumberIsRefused(text: String) {
        #expect(throws: FieldError.malformedNumber(base: 10)) { try PrimeModulus(decimal: text) }
    }

    @Test func aModulusBeyondTheBoundIsRefused() {
        #expect(throws: FieldError.modulusTooLarge(bits: 4160, bitsMax: 4096)) {
            try PrimeModulus(limbs: [UInt64](repeating: .max, count: 65))
        }
        #expect(throws: FieldError.modulusTooLarge(bits: 4 * 5000, bitsMax: 4096)) {
            try PrimeModulus(decimal: String(repeating: "9", count: 5000))
        }
    }

    @Test func inversesOfScalarsAgreeWithField64() throws {
        for word in edges where word != 0 {
            let expected = try #require(Field64(reducing: word).inverse)
            #expect(try PrimeFieldElement(reducing: [word], in: .field64).inverse().limbs == [expected.canonical])
        }
        for zero: [UInt64] in [[], [0], [0, 0], [Field64.modulus]] {
            #expect(throws: FieldError.zeroHasNoInverse) {
                try PrimeFieldElement(reducing: zero, in: .field64).inverse()
            }
        }
    }
}
