// SPDX-License-Identifier: MIT

import FiniteField
import Testing

/// Every operation of the Field64 kernels gives what GMP gives, on every length that a vectorised loop may split in its own way.
@Suite struct Field64AgreementTests {
    /// All lengths to beyond the widest unrolled loop, and some around the blocks and tiles that loops work in.
    static let lengths = Array(0...200) + [511, 512, 513, 767, 1023, 1024, 1025, 4099, 65_537]

    /// Two vectors of a length, in all combinations of canonical words and words that may be p or more.
    private func operands(_ count: Int) throws -> [(Field64Vector, Field64Vector)] {
        var random = TestRandom(seed: UInt64(count))
        let (a, b) = (sample(count, &random), sample(count, &random))
        let (x, y) = (lazySample(count, &random), lazySample(count, &random))
        return [
            (try Field64Vector(canonical: a), try Field64Vector(canonical: b)),
            (Field64Vector(unreduced: x), try Field64Vector(canonical: b)),
            (try Field64Vector(canonical: a), Field64Vector(unreduced: y)),
            (Field64Vector(unreduced: x), Field64Vector(unreduced: y)),
        ]
    }

    @Test func sumsAndDifferencesAgree() throws {
        for (x, y) in try Self.lengths.flatMap(operands) {
            let (gx, gy) = (PrimeFieldVector(x), PrimeFieldVector(y))
            var (sum, gmpSum) = (x, gx)
            try sum.add(y)
            try gmpSum.add(gy)
            #expect(gmpSum.isEqual(to: sum))
            #expect(try Field64Vector(gmpSum) == sum)

            var (difference, gmpDifference) = (x, gx)
            try difference.subtract(y)
            try gmpDifference.subtract(gy)
            #expect(gmpDifference.isEqual(to: difference))

            var (negative, gmpNegative) = (x, gx)
            negative.negate()
            gmpNegative.negate()
            #expect(gmpNegative.isEqual(to: negative))
            try negative.add(x)
            #expect(negative == Field64Vector(count: x.count))
        }
    }

    @Test func manyLazySumsAgree() throws {
        for (x, y) in try [1, 8, 31, 200].flatMap(operands) {
            var sum = x
            var gmpSum = PrimeFieldVector(x)
            for round in 0..<40 {
                if round % 3 == 2 {
                    try sum.subtract(y)
                    try gmpSum.subtract(y)
                } else {
                    try sum.add(y)
                    try gmpSum.add(y)
                }
            }
            #expect(gmpSum.isEqual(to: sum))
        }
    }

    @Test func wordsInPlaceAgreeAtEveryOffset() throws {
        for (offset, count) in [(0, 7), (1, 6), (3, 0), (7, 0), (5, 200), (64, 129), (700, 1300)] {
            var random = TestRandom(seed: UInt64(count + offset))
            let words = sample(count, &random)
            let anyWords = lazySample(count, &random)
            var vector = Field64Vector(unreduced: lazySample(offset + count + 3, &random))
            var gmp = PrimeFieldVector(vector)
            try vector.add(contentsOf: words.span, at: offset)
            try gmp.add(contentsOf: words.span, at: offset)
            #expect(gmp.isEqual(to: vector))
            try vector.subtract(contentsOf: words.span, at: offset + 3)
            try gmp.subtract(contentsOf: words.span, at: offset + 3)
            #expect(gmp.isEqual(to: vector))
            try vector.add(unreduced: anyWords.span, at: offset)
            try gmp.add(Field64Vector(unreduced: anyWords), at: offset)
            #expect(gmp.isEqual(to: vector))
            try vector.subtract(unreduced: anyWords.span, at: offset)
            try gmp.subtract(Field64Vector(unreduced: [1, 2] + anyWords + [3]), in: 2..<2 + count, at: offset)
            #expect(gmp.isEqual(to: vector))
            #expect(PrimeFieldVector(vector[offset..<offset + count]).isEqual(to: vector, in: offset..<offset + count))
        }
    }

    @Test func productsAgree() throws {
        for (x, y) in try Self.lengths.flatMap(operands) {
            let (gx, gy) = (PrimeFieldVector(x), PrimeFieldVector(y))
            var (product, gmpProduct) = (x, gx)
            try product.multiply(y)
            try gmpProduct.multiply(gy)
            #expect(gmpProduct.isEqual(to: product))
            #expect(try gx.innerProduct(gy).limbs == [x.innerProduct(y).canonical])

            let factor = Field64(reducing: edges[x.count % edges.count] &- UInt64(x.count))
            var (scaled, gmpScaled) = (x, gx)
            scaled.multiply(by: factor)
            try gmpScaled.multiply(by: PrimeFieldElement(canonical: [factor.canonical], in: .field64))
            #expect(gmpScaled.isEqual(to: scaled))
        }
    }

    /// τ_z(V) by GMP: inner products with the powers of z, which are computed from the definition of F_{p²}.
    @Test func evaluationsAgree() throws {
        let countMax = 1025
        var random = TestRandom(seed: 9)
        for parts in [sample(2, &random), [0, 1], [UInt64(p - 1), UInt64(p - 1)]] {
            let (one, w) = try gmpPowers(of: parts, count: countMax)
            for count in Self.lengths where count <= countMax {
                let largest = [UInt64](repeating: .max, count: count)
                let vector = Field64Vector(unreduced: count % 5 == 0 ? largest : lazySample(count, &random))
                let words = PrimeFieldVector(vector)
                let expected = try (
                    words.innerProduct(PrimeFieldVector(Field64Vector(canonical: one.suffix(count)))).limbs[0],
                    words.innerProduct(PrimeFieldVector(Field64Vector(canonical: w.suffix(count)))).limbs[0]
                )
                let value = Field64Extension.tau(Field64Extension(one: parts[0], w: parts[1]), vector)
                #expect((value.one, value.w) == expected)
            }
        }
    }

    /// z^count, …, z^1, by their two coordinates.
    private func gmpPowers(of parts: [UInt64], count: Int) throws -> (one: [UInt64], w: [UInt64]) {
        let (a, b) = (
            PrimeFieldElement(reducing: [parts[0]], in: .field64), PrimeFieldElement(reducing: [parts[1]], in: .field64)
        )
        let sevenB = try PrimeFieldElement(7, in: .field64) * b
        var (c, d) = (PrimeFieldElement.one(in: .field64), PrimeFieldElement.zero(in: .field64))
        var powers: (one: [UInt64], w: [UInt64]) = ([], [])
        for _ in 0..<count {
            (c, d) = (try a * c + sevenB * d, try a * d + b * c)
            powers.one.append(c.limbs[0])
            powers.w.append(d.limbs[0])
        }
        return (powers.one.reversed(), powers.w.reversed())
    }

    @Test func bytesAndSignedIntegersAgree() throws {
        for (x, y) in try Self.lengths.flatMap(operands) {
            let gmp = PrimeFieldVector(x)
            let bytes = x.littleEndianBytes()
            #expect(gmp.littleEndianBytes() == bytes)
            #expect(try PrimeFieldVector(modulus: .field64, littleEndianBytes: bytes) == gmp)
            #expect(try Field64Vector(littleEndianBytes: bytes) == x)
            #expect(gmp.canonicalLimbs() == x.canonicalWords())
            #expect(Field64Vector(signed: x.signedValues()) == x)
            // Equality is that of elements in both.
            #expect((x == y) == (gmp == PrimeFieldVector(y)))
        }
    }

    @Test func theFirstWordThatIsNotCanonicalIsFoundByBoth() throws {
        var random = TestRandom(seed: 10)
        for count in Self.lengths where count > 0 && count < 600 {
            let index = Int(random.next() % UInt64(count))
            var words = sample(count, &random)
            words[index] = Field64.modulus + UInt64(count % 3)
            words[count - 1] = .max
            let expected = FieldError.notCanonical(index: min(index, count - 1))
            #expect(throws: expected) { try Field64Vector(canonical: words) }
            #expect(throws: expected) { try PrimeFieldVector(modulus: .field64, canonical: words) }
            let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
            #expect(throws: expected) { try Field64Vector(littleEndianBytes: bytes) }
            #expect(throws: expected) { try PrimeFieldVector(modulus: .field64, littleEndianBytes: bytes) }
        }
    }
}
