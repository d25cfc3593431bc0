// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct PrimeFieldVectorTests {
    /// 2^127 − 1: one guard bit in two limbs.
    private func mersenne127() throws -> PrimeModulus {
        try PrimeModulus(limbs: [.max, .max >> 1])
    }

    @Test func guardBitsFollowFromTheLane() throws {
        #expect(try PrimeFieldVector(modulus: .field64, count: 1).guardBits == 64)
        let narrow = try PrimeFieldVector(modulus: mersenne127(), count: 1, laneLimbs: 2)
        #expect(narrow.guardBits == 1)
        #expect(narrow.pendingMax == 2)
        #expect(try PrimeFieldVector(modulus: mersenne127(), count: 1).laneLimbs == 3)
        #expect(try PrimeFieldVector(modulus: .field64, count: 1, laneLimbs: 1).pendingMax == 1)
        #expect(throws: FieldError.laneTooNarrow(limbsNeeded: 2, limbs: 1)) {
            try PrimeFieldVector(modulus: mersenne127(), count: 1, laneLimbs: 1)
        }
        #expect(throws: FieldError.laneTooWide(limbsMax: 66, limbs: 67)) {
            try PrimeFieldVector(modulus: .field64, count: 1, laneLimbs: 67)
        }
    }

    @Test(arguments: [2, 3])
    func sumsReduceWhenTheGuardBitsAreUsedUp(laneLimbs: Int) throws {
        let modulus = try mersenne127()
        let prime = UInt128(1) << 127 - 1
        let values: [UInt128] = [0, 1, prime - 1, prime - 2, prime / 2, prime / 3]
        let elements = values.flatMap { [UInt64(truncatingIfNeeded: $0), UInt64($0 >> 64)] }
        let vector = try PrimeFieldVector(modulus: modulus, canonical: elements, laneLimbs: laneLimbs)
        var sum = try PrimeFieldVector(modulus: modulus, count: values.count, laneLimbs: laneLimbs)
        var expected = [UInt128](repeating: 0, count: values.count)
        for round in 0..<50 {
            if round % 3 == 1 {
                try sum.subtract(vector)
                expected = zip(expected, values).map { ($0 + (prime - $1)) % prime }
            } else {
                try sum.add(vector)
                expected = zip(expected, values).map { ($0 + $1) % prime }
            }
            #expect(sum.pending <= sum.pendingMax)
        }
        try sum.add(sum)
        expected = expected.map { ($0 + $0) % prime }
        #expect(sum.canonicalLimbs() == expected.flatMap { [UInt64(truncatingIfNeeded: $0), UInt64($0 >> 64)] })
        #expect(sum[2].limbs == [UInt64(truncatingIfNeeded: expected[2]), UInt64(expected[2] >> 64)])
    }

    /// Modulus, limbs of a lane, and how many canonical addends its guard bits hold.
    @Test(arguments: [
        ("1fffffffffffffff", 1, 8), ("7fffffffffffffffffffffffffffffff", 2, 2), ("7fffffffffffffe7", 1, 2),
        ("ffffffffffc5", 1, 65_536),
    ])
    func theLastAdditionThatFitsIsNotReducedAndTheNextOneIs(modulus: String, laneLimbs: Int, addends: Int) throws {
        let modulus = try PrimeModulus(hexadecimal: modulus)
        let one = PrimeFieldElement.one(in: modulus)
        let largest = try PrimeFieldVector(modulus: modulus, elements: [-one, -one, one, -one], laneLimbs: laneLimbs)
        func multiple(_ factor: Int) throws -> PrimeFieldVector {
            var vector = largest
            try vector.multiply(by: PrimeFieldElement(factor, in: modulus))
            return vector
        }
        var sum = largest
        for _ in 1..<addends { try sum.add(largest) }
        #expect(sum.pending == addends)
        #expect(sum.pending == sum.pendingMax)
        #expect(try sum == multiple(addends))
        let full = sum
        try sum.add(largest)
        #expect(sum.pending == 2)
        #expect(try sum == multiple(addends + 1))

        // Where neither operand has room, both are reduced.
        sum = full
        try sum.add(full)
        #expect(try sum == multiple(2 * addends))
        sum = full
        try sum.subtract(full)
        #expect(try sum == PrimeFieldVector(modulus: modulus, count: 4, laneLimbs: laneLimbs))
        sum = full
        sum.negate()
        #expect(sum.pending <= sum.pendingMax)
        #expect(try sum == multiple(-addends))
        sum.negate()
        sum.negate()
        #expect(try sum == multiple(-addends))
    }

    @Test func subtractionDoesNotBorrowFromTheNextLane() throws {
        for laneLimbs in [2, 3, 5] {
            let modulus = try mersenne127()
            let (zero, one) = (PrimeFieldElement.zero(in: modulus), PrimeFieldElement.one(in: modulus))
            // Zero less p − 1 beside lanes of zero, on both sides of where a tile of 1024 limbs may end.
            let elements = (0..<1200).map { $0 % 3 == 1 ? -one : zero }
            var vector = try PrimeFieldVector(modulus: modulus, count: 1200, laneLimbs: laneLimbs)
            let subtrahend = try PrimeFieldVector(modulus: modulus, elements: elements, laneLimbs: laneLimbs)
            try vector.subtract(subtrahend)
            #expect(vector.canonicalLimbs() == (0..<1200).flatMap { $0 % 3 == 1 ? [UInt64(1), 0] : [0, 0] })
            try vector.subtract(contentsOf: [UInt64](repeating: 0, count: 2 * 1200).span)
            try vector.subtract(contentsOf: [1, 0].span, at: 1199)
            #expect(vector[1198] == one)
            #expect(vector[1199] == -one)
        }
    }

    @Test func inversionNamesTheFirstZeroAndInvertsNothing() throws {
        let seven = try PrimeModulus(decimal: "7")
        var vector = try PrimeFieldVector(modulus: seven, canonical: [3, 6, 0, 2, 0])
        // Seven is zero as well.
        try vector.add(PrimeFieldVector(modulus: seven, canonical: [0, 1, 0, 0, 0]))
        #expect(throws: FieldError.notInvertible(index: 1)) { try vector.invert() }
        #expect(vector.canonicalLimbs() == [3, 0, 0, 2, 0])
        var empty = try PrimeFieldVector(modulus: seven, count: 0)
        try empty.invert()
        #expect(empty.count == 0)
    }

    @Test func arithmeticModuloASmallPrimeIsThatOfIntegers() throws {
        let seven = try PrimeModulus(decimal: "7")
        let all = (0..<7).flatMap { a in (0..<7).map { b in (UInt64(a), UInt64(b)) } }
        let a = try PrimeFieldVector(modulus: seven, canonical: all.map(\.0))
        let b = try PrimeFieldVector(modulus: seven, canonical: all.map(\.1))
        var (sum, difference, product, scaled) = (a, a, a, a)
        try sum.add(b)
        try difference.subtract(b)
        try product.multiply(b)
        try scaled.multiply(by: PrimeFieldElement(5, in: seven))
        #expect(sum.canonicalLimbs() == all.map { ($0.0 + $0.1) % 7 })
        #expect(difference.canonicalLimbs() == all.map { ($0.0 + 7 - $0.1) % 7 })
        #expect(product.canonicalLimbs() == all.map { $0.0 * $0.1 % 7 })
        #expect(scaled.canonicalLimbs() == all.map { $0.0 * 5 % 7 })
    }

    @Test func productsOfWideElementsObeyTheInverse() throws {
        let modulus = try PrimeModulus(bigEndianBytes: [0x7F] + [UInt8](repeating: 0xFF, count: 30) + [0xED])
        let scalar = try PrimeFieldElement(canonical: [3, 1 << 63, .max, 0x7FFF_FFFF_FFFF_FFFF], in: modulus)
        let ones = try PrimeFieldVector(modulus: modulus, canonical: [1, 0, 0, 0] + [2, 0, 0, 0])
        var vector = ones
        try vector.multiply(by: scalar)
        #expect(vector[0] == scalar)
        try vector.multiply(by: scalar.inverse())
        #expect(vector == ones)
    }

    @Test func vectorsThatDoNotFitAreRefused() throws {
        var vector = try PrimeFieldVector(modulus: .field64, count: 3)
        #expect(throws: FieldError.countMismatch(expected: 3, actual: 2)) {
            try vector.add(PrimeFieldVector(modulus: .field64, count: 2))
        }
        #expect(throws: FieldError.laneMismatch(expected: 2, actual: 3)) {
            try vector.subtract(PrimeFieldVector(modulus: .field64, count: 3, laneLimbs: 3))
        }
        #expect(throws: try FieldError.modulusMismatch(expected: .field64, actual: mersenne127())) {
            try vector.multiply(PrimeFieldVector(modulus: mersenne127(), count: 3))
        }
        #expect(throws: FieldError.notCanonical(index: 1)) {
            try PrimeFieldVector(modulus: .field64, canonical: [0, Field64.modulus])
        }
        #expect(throws: try FieldError.modulusMismatch(expected: .field64, actual: mersenne127())) {
            try vector.multiply(by: .one(in: mersenne127()))
        }
        #expect(throws: FieldError.lengthNotMultiple(of: 2, actual: 3)) {
            try PrimeFieldVector(modulus: mersenne127(), canonical: [1, 2, 3])
        }
    }

    @Test func wordsAndVectorsOfField64GoWhereTheyFitOnly() throws {
        let words = Field64Vector(unreduced: [1, 2, 3])
        var other = try PrimeFieldVector(modulus: mersenne127(), count: 3)
        #expect(throws: try FieldError.modulusMismatch(expected: mersenne127(), actual: .field64)) {
            try other.add(words)
        }
        #expect(throws: try FieldError.modulusMismatch(expected: .field64, actual: mersenne127())) {
            try Field64Vector(other)
        }
        #expect(!other.isEqual(to: words))
        var tight = try PrimeFieldVector(modulus: .field64, count: 3, laneLimbs: 1)
        #expect(throws: FieldError.laneTooNarrow(limbsNeeded: 2, limbs: 1)) { try tight.subtract(words) }
        var vector = try PrimeFieldVector(modulus: .field64, count: 3)
        #expect(throws: FieldError.outOfRange(offset: 1, count: 3, available: 3)) { try vector.add(words, at: 1) }
        #expect(throws: FieldError.outOfRange(offset: 2, count: 2, available: 3)) { try vector.add(words, in: 2..<4) }
        #expect(throws: FieldError.outOfRange(offset: -1, count: 1, available: 3)) {
            try vector.subtract(contentsOf: [1].span, at: -1)
        }
        #expect(throws: FieldError.notCanonical(index: 1)) { try vector.add(contentsOf: [1, Field64.modulus].span) }
        #expect(throws: FieldError.lengthNotMultiple(of: 2, actual: 3)) { try other.add(contentsOf: [1, 0, 0].span) }
        #expect(try vector == PrimeFieldVector(modulus: .field64, count: 3))
    }

    @Test func bytesMustBeWholeCanonicalElements() throws {
        let modulus = try mersenne127()
        let zeros = [UInt8](repeating: 0, count: 32)
        let top = [UInt8](repeating: 255, count: 15)
        #expect(throws: FieldError.lengthNotMultiple(of: 16, actual: 33)) {
            try PrimeFieldVector(modulus: modulus, littleEndianBytes: zeros + [0])
        }
        // 2^127 − 1 is the modulus, 2^127 has a bit above it.
        for last: UInt8 in [0x7F, 0x80] {
            #expect(throws: FieldError.notCanonical(index: 2)) {
                try PrimeFieldVector(modulus: modulus, littleEndianBytes: zeros + top + [last] + top + [last])
            }
        }
        let odd = try PrimeModulus(limbs: [.max, .max, .max, .max, .max, .max, .max, .max, 0x1FF])
        #expect(odd.byteCount == 66)
        #expect(throws: FieldError.notCanonical(index: 0)) {
            try PrimeFieldVector(modulus: odd, littleEndianBytes: [UInt8](repeating: 0, count: 65) + [2])
        }
    }

    @Test func equalityIgnoresHowManyAdditionsArePending() throws {
        let one = try PrimeFieldVector(modulus: .field64, canonical: [1])
        var sum = try PrimeFieldVector(modulus: .field64, canonical: [Field64.modulus - 1])
        try sum.add(one)
        try sum.add(one)
        #expect(sum == one)
        #expect(sum.isEqual(to: Field64Vector(unreduced: [Field64.modulus + 1])))
        #expect(!sum.isEqual(to: Field64Vector(count: 1)))
    }
}
