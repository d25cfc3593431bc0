// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct Field64VectorTests {
    /// Every bulk operation, on every length, through three paths: the kernels, GMP, and wide integers one by one.
    @Test func vectorsAgreeWithGMPAndWithWideIntegers() throws {
        var random = TestRandom(seed: 2)
        for count in lengths {
            let (a, b) = (sample(count, &random), sample(count, &random))
            let (x, y) = (try Field64Vector(canonical: a), try Field64Vector(canonical: b))
            let (gx, gy) = (PrimeFieldVector(x), PrimeFieldVector(y))

            var (sum, gmpSum) = (x, gx)
            try sum.add(y)
            try gmpSum.add(gy)
            #expect(sum.canonicalWords() == zip(a, b).map { UInt64((UInt128($0) + UInt128($1)) % p) })
            #expect(gmpSum.isEqual(to: sum))

            var (difference, gmpDifference) = (x, gx)
            try difference.subtract(y)
            try gmpDifference.subtract(gy)
            #expect(difference.canonicalWords() == zip(a, b).map { UInt64((UInt128($0) + p - UInt128($1)) % p) })
            #expect(gmpDifference.isEqual(to: difference))

            var (product, gmpProduct) = (x, gx)
            try product.multiply(y)
            try gmpProduct.multiply(gy)
            let products = zip(a, b).map { UInt64(UInt128($0) * UInt128($1) % p) }
            #expect(product.canonicalWords() == products)
            #expect(gmpProduct.isEqual(to: product))

            let inner = try x.innerProduct(y)
            #expect(inner.canonical == UInt64(products.reduce(UInt128(0)) { ($0 + UInt128($1)) % p }))

            let factor = random.next() % Field64.modulus
            var (scaled, gmpScaled) = (x, gx)
            scaled.multiply(by: Field64(reducing: factor))
            try gmpScaled.multiply(by: PrimeFieldElement(canonical: [factor], in: .field64))
            #expect(gmpScaled.isEqual(to: scaled))
            #expect(scaled.canonicalWords() == a.map { UInt64(UInt128($0) * UInt128(factor) % p) })
        }
    }

    @Test func longLazySumsStayRight() throws {
        let words = [UInt64(p - 1), UInt64(p - 1), 1, 0xFFFF_FFFF, 0]
        var sum = Field64Vector(count: words.count)
        for _ in 0..<1000 { try sum.add(contentsOf: words.span) }
        #expect(sum.canonicalWords() == words.map { UInt64(UInt128($0) * 1000 % p) })
        for _ in 0..<1001 { try sum.subtract(contentsOf: words.span) }
        #expect(sum.canonicalWords() == words.map { UInt64((p - UInt128($0)) % p) })
    }

    @Test func uncanonicalWordsAreReducedByEveryOperation() throws {
        let words: [UInt64] = [.max, .max - 1, Field64.modulus, Field64.modulus + 1, 5]
        let reduced = words.map { UInt64(UInt128($0) % p) }
        let lazy = Field64Vector(unreduced: words)
        let strict = try Field64Vector(canonical: reduced)
        #expect(lazy == strict)
        #expect(strict == lazy)
        #expect(lazy.littleEndianBytes() == strict.littleEndianBytes())
        #expect((0..<5).map { lazy[$0] } == reduced)
        #expect(lazy.signedValues() == strict.signedValues())
        let operations: [(inout Field64Vector, Field64Vector) throws -> Void] = [
            { try $0.add($1) }, { try $0.subtract($1) }, { try $0.multiply($1) },
        ]
        for operation in operations {
            var (a, b) = (lazy, strict)
            try operation(&a, lazy)
            try operation(&b, strict)
            #expect(a == b)
        }
        let inner = try lazy.innerProduct(lazy)
        #expect(try inner == strict.innerProduct(strict))
    }

    @Test func addsInPlaceAtAnOffset() throws {
        var vector = try Field64Vector(canonical: [1, 2, 3, 4])
        try vector.add(contentsOf: [10, 20].span, at: 1)
        try vector.subtract(contentsOf: [5].span, at: 3)
        #expect(vector.canonicalWords() == [1, 12, 23, Field64.modulus - 1])
        try vector.add(contentsOf: [UInt64]().span, at: 4)
        #expect(throws: FieldError.outOfRange(offset: 3, count: 2, available: 4)) {
            try vector.add(contentsOf: [1, 1].span, at: 3)
        }
        #expect(throws: FieldError.outOfRange(offset: 5, count: 0, available: 4)) {
            try vector.add(contentsOf: [UInt64]().span, at: 5)
        }
        #expect(throws: FieldError.outOfRange(offset: -1, count: 1, available: 4)) {
            try vector.add(contentsOf: [1].span, at: -1)
        }
        #expect(throws: FieldError.outOfRange(offset: 4, count: 1, available: 4)) {
            try vector.add(unreduced: [.max].span, at: 4)
        }
        #expect(throws: FieldError.outOfRange(offset: -1, count: 1, available: 4)) {
            try vector.subtract(unreduced: [.max].span, at: -1)
        }
    }

    @Test func addsAPartOfAnotherVector() throws {
        var vector = try Field64Vector(canonical: [1, 2, 3, 4])
        let lazy = Field64Vector(unreduced: [9, .max, 30, 9])
        try vector.add(lazy, in: 1..<3, at: 2)
        #expect(vector.canonicalWords() == [1, 2, 0x1_0000_0001, 34])
        try vector.subtract(lazy, in: 1..<3, at: 2)
        #expect(vector.canonicalWords() == [1, 2, 3, 4])
        try vector.add(vector, in: 0..<4)
        #expect(vector.canonicalWords() == [2, 4, 6, 8])
        try vector.subtract(lazy, in: 4..<4, at: 4)
        #expect(throws: FieldError.outOfRange(offset: 2, count: 3, available: 4)) { try vector.add(lazy, in: 2..<5) }
        #expect(throws: FieldError.outOfRange(offset: -1, count: 2, available: 4)) {
            try vector.subtract(lazy, in: -1..<1)
        }
        #expect(throws: FieldError.outOfRange(offset: 3, count: 2, available: 4)) {
            try vector.add(lazy, in: 0..<2, at: 3)
        }
        #expect(try vector.add(accepting: [.max, 5, Field64.modulus, 7].span) == 2)
        #expect(vector.canonicalWords() == [7, 11, 6, 8])
        #expect(throws: FieldError.outOfRange(offset: 4, count: 1, available: 4)) {
            _ = try vector.add(accepting: [5].span, at: 4)
        }
    }

    @Test func aWordThatIsNotCanonicalIsNamedAndNothingIsAdded() throws {
        let words = [UInt64](repeating: 3, count: 40) + [Field64.modulus, .max]
        #expect(throws: FieldError.notCanonical(index: 40)) { try Field64Vector(canonical: words) }
        var vector = Field64Vector(count: 42)
        #expect(throws: FieldError.notCanonical(index: 40)) { try vector.add(contentsOf: words.span) }
        #expect(vector == Field64Vector(count: 42))
        let bytes = Field64Vector(count: 3).littleEndianBytes() + [UInt8](repeating: 255, count: 8)
        #expect(throws: FieldError.notCanonical(index: 3)) { try Field64Vector(littleEndianBytes: bytes) }
    }

    @Test func differentLengthsAreRefused() {
        var vector = Field64Vector(count: 3)
        let expected = FieldError.countMismatch(expected: 3, actual: 2)
        #expect(throws: expected) { try vector.add(Field64Vector(count: 2)) }
        #expect(throws: expected) { try vector.subtract(Field64Vector(count: 2)) }
        #expect(throws: expected) { try vector.multiply(Field64Vector(count: 2)) }
        #expect(throws: expected) { _ = try vector.innerProduct(Field64Vector(count: 2)) }
        #expect(Field64Vector(count: 3) != Field64Vector(count: 2))
    }

    @Test func bytesGoThereAndBack() throws {
        let vector = try Field64Vector(canonical: [0x0807_0605_0403_0201, 0xFFFF_FFFF_0000_0000])
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 255, 255, 255, 255]
        #expect(vector.littleEndianBytes() == bytes)
        #expect(vector.littleEndianBytes(of: 1..<2) == Array(bytes[8...]))
        #expect(try Field64Vector(littleEndianBytes: bytes) == vector)
        // A slice that does not begin on a word of its own.
        #expect(try Field64Vector(littleEndianBytes: ([9] + bytes)[1...]) == vector)
        #expect(throws: FieldError.lengthNotMultiple(of: 8, actual: 9)) {
            try Field64Vector(littleEndianBytes: bytes[..<9])
        }
    }

    @Test func bytesAreReadAndWrittenInPlace() throws {
        var vector = try Field64Vector(canonical: [1, 2, 3, 4])
        let bytes = try Field64Vector(canonical: [70, 80]).littleEndianBytes()
        try vector.load(littleEndianBytes: bytes.span, at: 1)
        #expect(vector.canonicalWords() == [1, 70, 80, 4])
        try vector.load(littleEndianBytes: [UInt8]().span, at: 4)
        #expect(throws: FieldError.outOfRange(offset: 3, count: 2, available: 4)) {
            try vector.load(littleEndianBytes: bytes.span, at: 3)
        }
        #expect(throws: FieldError.lengthNotMultiple(of: 8, actual: 15)) {
            try vector.load(littleEndianBytes: bytes.span.extracting(1..<16))
        }
        let bad = bytes + [UInt8](repeating: 255, count: 8)
        #expect(throws: FieldError.notCanonical(index: 2)) { try vector.load(littleEndianBytes: bad.span, at: 1) }
        #expect(vector.canonicalWords() == [1, 0, 0, 0])

        var room = [UInt8](repeating: 9, count: 17)
        var target = room.mutableSpan
        Field64Vector(unreduced: [5, .max, 6]).store(1..<3, littleEndianBytes: &target)
        #expect(room == [0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 9])
    }

    @Test func sumsOfTheLargestWordsDoNotOverflow() throws {
        let count = 70_000
        let vector = Field64Vector(unreduced: Array(repeating: .max, count: count))
        // 2^64 − 1 is 2^32 − 2 modulo p.
        let square = UInt128(0xFFFF_FFFE) * 0xFFFF_FFFE % p
        #expect(try vector.innerProduct(vector).canonical == UInt64(square * UInt128(count) % p))
        // At z = 1 the evaluation is the sum, at z = −1 the alternating one.
        let sum = UInt64(UInt128(0xFFFF_FFFE) * UInt128(count) % p)
        #expect(Field64Extension.tau(.one, vector) == Field64Extension(one: sum, w: 0))
        #expect(Field64Extension.tau(.zero - .one, vector) == .zero)
    }

    @Test func partsAreCopiedAndAppended() throws {
        let vector = try Field64Vector(canonical: [1, 2, 3, 4])
        var joined = vector[0..<1]
        joined.append(vector[1..<4])
        #expect(joined == vector)
        joined.append(Field64Vector(unreduced: [.max]))
        #expect(joined.canonicalWords() == [1, 2, 3, 4, 0xFFFF_FFFE])
    }
}
