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
        #expect(throws: FieldError.laneTooNarrow(limbsNeeded: 2, limbs: 1)) {
            try PrimeFieldVector(modulus: .field64, count: 1, laneLimbs: 1)
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
        #expect(sum[2] == [UInt64(truncatingIfNeeded: expected[2]), UInt64(expected[2] >> 64)])
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
        try scaled.multiply(by: [5])
        #expect(sum.canonicalLimbs() == all.map { ($0.0 + $0.1) % 7 })
        #expect(difference.canonicalLimbs() == all.map { ($0.0 + 7 - $0.1) % 7 })
        #expect(product.canonicalLimbs() == all.map { $0.0 * $0.1 % 7 })
        #expect(scaled.canonicalLimbs() == all.map { $0.0 * 5 % 7 })
    }

    @Test func productsOfWideElementsObeyTheInverse() throws {
        let modulus = try PrimeModulus(bigEndianBytes: [0x7F] + [UInt8](repeating: 0xFF, count: 30) + [0xED])
        let scalar: [UInt64] = [3, 1 << 63, .max, 0x7FFF_FFFF_FFFF_FFFF]
        let ones = try PrimeFieldVector(modulus: modulus, canonical: [1, 0, 0, 0] + [2, 0, 0, 0])
        var vector = ones
        try vector.multiply(by: scalar)
        #expect(vector[0] == scalar)
        try vector.multiply(by: modulus.inverse(of: scalar))
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
        #expect(throws: FieldError.notCanonical(index: 0)) { try vector.multiply(by: [Field64.modulus]) }
        #expect(throws: FieldError.lengthNotMultiple(of: 1, actual: 2)) { try vector.multiply(by: [1, 2]) }
        #expect(throws: FieldError.lengthNotMultiple(of: 2, actual: 3)) {
            try PrimeFieldVector(modulus: mersenne127(), canonical: [1, 2, 3])
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
