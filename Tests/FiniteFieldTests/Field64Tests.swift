// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct Field64Tests {
    @Test func scalarArithmeticAgreesWithWideIntegers() {
        var random = TestRandom(seed: 1)
        for a in edges + sample(40, &random) {
            for b in edges + sample(40, &random) {
                let (x, y) = (Field64(reducing: a), Field64(reducing: b))
                #expect((x + y).canonical == UInt64((UInt128(a) + UInt128(b)) % p))
                #expect((x - y).canonical == UInt64((UInt128(a) + p - UInt128(b)) % p))
                #expect((x * y).canonical == UInt64(UInt128(a) * UInt128(b) % p))
            }
        }
    }

    @Test func fieldAxiomsHold() {
        let elements = edges.map { Field64(reducing: $0) }
        for a in elements {
            #expect(a + .zero == a)
            #expect(a * .one == a)
            #expect(a + -a == .zero)
            for b in elements {
                #expect(a + b == b + a)
                #expect(a * b == b * a)
                for c in elements {
                    #expect((a + b) + c == a + (b + c))
                    #expect((a * b) * c == a * (b * c))
                    #expect(a * (b + c) == a * b + a * c)
                }
            }
        }
    }

    @Test func everythingButZeroHasAnInverse() {
        #expect(Field64.zero.inverse == nil)
        for a in edges.map({ Field64(reducing: $0) }) where a != .zero {
            #expect(a.inverse.map { $0 * a } == .one)
        }
    }

    @Test func onlyWordsBelowTheModulusAreCanonical() {
        #expect(Field64(canonical: Field64.modulus - 1)?.canonical == 0xFFFF_FFFF_0000_0000)
        #expect(Field64(canonical: Field64.modulus) == nil)
        #expect(Field64(canonical: .max) == nil)
        #expect(Field64(reducing: Field64.modulus) == .zero)
        #expect(Field64(reducing: .max).canonical == 0xFFFF_FFFE)
    }

    @Test(arguments: [0, 1, -1, 12_345, -12_345, Int64(1) << 62, -(Int64(1) << 62), 0x7FFF_FFFF_8000_0000])
    func signedIntegersComeBack(value: Int64) {
        #expect(Field64(value).signed == value)
        #expect(Field64(value) + Field64(-value) == .zero)
        #expect(
            Field64Vector(signed: [value, -value]).canonicalWords() == [value, -value].map { Field64($0).canonical })
        #expect(Field64Vector(signed: [value, -value]).signedValues() == [value, -value])
    }

    @Test func extremesOfInt64AreReduced() {
        #expect(Field64(Int64.min).canonical == UInt64(p - UInt128(1) << 63))
        #expect(Field64(Int64.max).canonical == UInt64(Int64.max))
        #expect(
            Field64Vector(signed: [.min, .max]).canonicalWords() == [UInt64(p - UInt128(1) << 63), UInt64(Int64.max)])
    }

    @Test func bytesAreLittleEndianAndCanonical() throws {
        let element = try Field64(littleEndianBytes: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(element.canonical == 0x0807_0605_0403_0201)
        #expect(element.littleEndianBytes == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(throws: FieldError.notCanonical(index: 0)) {
            try Field64(littleEndianBytes: [1, 0, 0, 0, 255, 255, 255, 255])
        }
        #expect(throws: FieldError.lengthNotMultiple(of: 8, actual: 7)) {
            try Field64(littleEndianBytes: [UInt8](repeating: 0, count: 7))
        }
    }
}
