// SPDX-License-Identifier: MIT

import FiniteField
import Testing

/// Vectors and scalars over many primes against answers that Python's integers gave.
@Suite struct PrimeFieldKnownAnswerTests {
    typealias Field = PrimeFieldKnownAnswers.Field

    /// The default lanes, the tightest, wider ones, the widest.
    private func lanes(_ modulus: PrimeModulus) -> [Int?] {
        [nil, modulus.limbs.count, modulus.limbs.count + 1, PrimeFieldVector.laneLimbsMax]
    }

    @Test(arguments: try PrimeFieldKnownAnswers.load().fields)
    func vectorsOverEveryPrimeGiveTheKnownAnswers(field: Field) throws {
        let modulus = try PrimeModulus(hexadecimal: field.modulus)
        #expect(modulus.bits == field.bits)
        let scalar = try PrimeFieldElement(littleEndianBytes: bytes(field.scalar), in: modulus)
        for lane in lanes(modulus) {
            func vector(_ text: String) throws -> PrimeFieldVector {
                try PrimeFieldVector(modulus: modulus, littleEndianBytes: bytes(text), laneLimbs: lane)
            }
            let (a, b) = try (vector(field.a), vector(field.b))
            #expect(a.littleEndianBytes() == bytes(field.a))
            var (sum, difference, negative, product, scaled) = (a, a, a, a, a)
            try sum.add(b)
            try difference.subtract(b)
            negative.negate()
            try product.multiply(b)
            try scaled.multiply(by: scalar)
            #expect(sum.littleEndianBytes() == bytes(field.sum))
            #expect(difference.littleEndianBytes() == bytes(field.difference))
            #expect(negative.littleEndianBytes() == bytes(field.negative))
            #expect(product.littleEndianBytes() == bytes(field.product))
            #expect(scaled.littleEndianBytes() == bytes(field.scaled))
            #expect(try a.innerProduct(b).littleEndianBytes == bytes(field.innerProduct))
            #expect(try sum == vector(field.sum))
            #expect(sum != a || b == difference)

            var many = try PrimeFieldVector(modulus: modulus, count: a.count, laneLimbs: lane)
            for round in 0..<100 {
                try many.add(a)
                if round < 7 { try many.subtract(b) }
            }
            #expect(try many == vector(field.hundredALessSevenB))
            #expect(many.littleEndianBytes() == bytes(field.hundredALessSevenB))

            var units = try vector(field.units)
            try units.invert()
            #expect(units.littleEndianBytes() == bytes(field.inverses))
        }
    }

    /// Vectors longer than any tile: the known ones, many times over.
    @Test(arguments: try PrimeFieldKnownAnswers.load().fields)
    func longVectorsGiveTheSame(field: Field) throws {
        let modulus = try PrimeModulus(hexadecimal: field.modulus)
        func long(_ text: String) throws -> PrimeFieldVector {
            let once = bytes(text)
            return try PrimeFieldVector(
                modulus: modulus, littleEndianBytes: (0..<90).flatMap { _ in once },
                laneLimbs: modulus.limbs.count + 1)
        }
        let (a, b) = try (long(field.a), long(field.b))
        var (sum, difference, negative) = (a, a, a)
        try sum.add(contentsOf: b.canonicalLimbs().span)
        try difference.subtract(contentsOf: b.canonicalLimbs().span)
        negative.negate()
        #expect(try sum == long(field.sum))
        #expect(try difference == long(field.difference))
        #expect(try negative == long(field.negative))
        difference = a
        try difference.subtract(b)
        #expect(try difference == long(field.difference))
    }

    @Test(arguments: try PrimeFieldKnownAnswers.load().fields)
    func operandsThatAreNotReducedGiveTheSame(field: Field) throws {
        let modulus = try PrimeModulus(hexadecimal: field.modulus)
        for lane in lanes(modulus) {
            let a = try PrimeFieldVector(modulus: modulus, littleEndianBytes: bytes(field.a), laneLimbs: lane)
            let b = try PrimeFieldVector(modulus: modulus, littleEndianBytes: bytes(field.b), laneLimbs: lane)
            // (a − b) + b and (b − a) + a, pending additions and all.
            var (x, y) = (a, b)
            try x.subtract(b)
            try x.add(b)
            try y.subtract(a)
            try y.add(a)
            #expect(x == a)
            #expect(try x.innerProduct(y).littleEndianBytes == bytes(field.innerProduct))
            var product = x
            try product.multiply(y)
            #expect(product.littleEndianBytes() == bytes(field.product))
            var difference = x
            try difference.subtract(y)
            #expect(difference.littleEndianBytes() == bytes(field.difference))
            difference = x
            y.negate()
            try difference.add(y)
            #expect(difference.littleEndianBytes() == bytes(field.difference))
        }
    }

    @Test(arguments: try PrimeFieldKnownAnswers.load().fields)
    func scalarsOfEveryFieldGiveTheKnownAnswers(field: Field) throws {
        let modulus = try PrimeModulus(hexadecimal: field.modulus)
        func scalars(_ text: String) throws -> [PrimeFieldElement] {
            let vector = try PrimeFieldVector(modulus: modulus, littleEndianBytes: bytes(text))
            return (0..<vector.count).map { vector[$0] }
        }
        let (a, b) = try (scalars(field.a), scalars(field.b))
        #expect(try zip(a, b).map { try $0 + $1 } == scalars(field.sum))
        #expect(try zip(a, b).map { try $0 - $1 } == scalars(field.difference))
        #expect(try zip(a, b).map { try $0 * $1 } == scalars(field.product))
        #expect(try a.map { -$0 } == scalars(field.negative))
        #expect(try scalars(field.units).map { try $0.inverse() } == scalars(field.inverses))
        #expect(try PrimeFieldElement.inverses(of: scalars(field.units)) == scalars(field.inverses))
        #expect(try PrimeFieldVector(modulus: modulus, elements: a).littleEndianBytes() == bytes(field.a))
    }

    @Test(arguments: try PrimeFieldKnownAnswers.load().composites)
    func compositesAreRefusedWhateverWeakTestTheyPass(number: String) {
        #expect(throws: FieldError.notPrime) { try PrimeModulus(hexadecimal: number) }
    }
}
