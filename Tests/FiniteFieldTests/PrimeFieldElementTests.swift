// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct PrimeFieldElementTests {
    @Test func scalarsOfASmallFieldAreThoseOfIntegers() throws {
        for prime in [2, 3, 7, 251] {
            let modulus = try PrimeModulus(decimal: "\(prime)")
            for a in stride(from: 0, to: prime, by: prime > 10 ? 25 : 1) {
                for b in stride(from: 0, to: prime, by: prime > 10 ? 25 : 1) {
                    let (x, y) = (PrimeFieldElement(a, in: modulus), PrimeFieldElement(b, in: modulus))
                    #expect(try x + y == PrimeFieldElement((a + b) % prime, in: modulus))
                    #expect(try x - y == PrimeFieldElement((a - b + prime) % prime, in: modulus))
                    #expect(try (x * y).limbs == [UInt64(a * b % prime)])
                    #expect(-x == PrimeFieldElement(-a, in: modulus))
                }
            }
        }
    }

    @Test func everyElementButZeroHasAnInverse() throws {
        for name in knownPrimes.keys.sorted() {
            let modulus = try knownPrime(name)
            var random = TestRandom(seed: 11)
            let one = PrimeFieldElement.one(in: modulus)
            let elements =
                [one, -one, try one + (one + one)].filter { !$0.isZero }
                + (0..<4).map { _ in PrimeFieldElement.random(in: modulus, using: &random) }.filter { !$0.isZero }
            for element in elements { #expect(try element * element.inverse() == one) }
            let inverses = try PrimeFieldElement.inverses(of: elements)
            #expect(try inverses == elements.map { element throws(FieldError) in try element.inverse() })
            let zero = PrimeFieldElement.zero(in: modulus)
            #expect(throws: FieldError.zeroHasNoInverse) { try zero.inverse() }
            #expect(throws: FieldError.notInvertible(index: 1)) {
                try PrimeFieldElement.inverses(of: [one, zero, one, zero])
            }
        }
        #expect(try PrimeFieldElement.inverses(of: []).isEmpty)
    }

    @Test func productsAgreeWithField64() throws {
        for a in edges {
            for b in edges {
                let (x, y) = (Field64(reducing: a), Field64(reducing: b))
                let (gx, gy) = (
                    PrimeFieldElement(reducing: [a], in: .field64), PrimeFieldElement(reducing: [b], in: .field64)
                )
                #expect(try (gx * gy).limbs == [(x * y).canonical])
                #expect(try (gx + gy).limbs == [(x + y).canonical])
                #expect(try (gx - gy).limbs == [(x - y).canonical])
            }
            #expect(
                PrimeFieldElement(reducing: [a], in: .field64).raised(to: a).limbs == [
                    Field64(reducing: a).raised(to: a).canonical
                ])
        }
        #expect(PrimeFieldElement(0, in: .field64).raised(to: 0) == .one(in: .field64))
    }

    @Test func fermatsTheoremHoldsForWideScalars() throws {
        // a^p = a; for p = 2^127 − 1 that is 127 squarings over a.
        let modulus = try knownPrime("127")
        var random = TestRandom(seed: 12)
        let a = PrimeFieldElement.random(in: modulus, using: &random)
        var power = a
        for _ in 0..<127 { power = try power * power }
        #expect(try power == a * a)
    }

    @Test func bytesGoThereAndBackAndAreStrict() throws {
        for name in knownPrimes.keys.sorted() {
            let modulus = try knownPrime(name)
            let largest = -PrimeFieldElement.one(in: modulus)
            let bytes = largest.littleEndianBytes
            #expect(bytes.count == modulus.byteCount)
            #expect(try PrimeFieldElement(littleEndianBytes: bytes, in: modulus) == largest)
            #expect(throws: FieldError.lengthNotMultiple(of: bytes.count, actual: bytes.count + 1)) {
                try PrimeFieldElement(littleEndianBytes: bytes + [0], in: modulus)
            }
            #expect(throws: FieldError.notCanonical(index: 0)) {
                try PrimeFieldElement(canonical: modulus.limbs, in: modulus)
            }
            #expect(PrimeFieldElement(reducing: modulus.limbs + [0, 0], in: modulus).isZero)
            #expect(PrimeFieldElement(reducing: [], in: modulus).isZero)
        }
        #expect(
            try PrimeFieldElement(258, in: knownPrime("127")).littleEndianBytes == [2, 1]
                + [UInt8](repeating: 0, count: 14))
        #expect(throws: FieldError.notCanonical(index: 0)) {
            try PrimeFieldElement(littleEndianBytes: [UInt8](repeating: 255, count: 8), in: .field64)
        }
    }

    /// Gives the words it was made with, then ends the test.
    private struct Script: RandomNumberGenerator {
        var words: [UInt64]
        mutating func next() -> UInt64 { words.removeFirst() }
    }

    @Test func randomElementsAreRedrawnNeverReduced() throws {
        let seven = try PrimeModulus(decimal: "7")
        // Three bits of a word are used, the upper ones: 7 is not below the modulus and is drawn again.
        var script = Script(words: [7 << 61, .max, 5 << 61 | 12345, 0])
        #expect(PrimeFieldElement.random(in: seven, using: &script) == PrimeFieldElement(5, in: seven))
        #expect(script.words == [0])
        var counts = [UInt64: Int]()
        var random = TestRandom(seed: 13)
        for _ in 0..<7000 { counts[PrimeFieldElement.random(in: seven, using: &random).limbs[0], default: 0] += 1 }
        // Six degrees of freedom: χ² exceeds 38.3 with probability 10^-6.
        #expect(counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 } < 38.3)
        #expect(counts.count == 7)
    }

    @Test func elementsOfDifferentFieldsAreNotCombined() throws {
        let (a, b) = (PrimeFieldElement.one(in: .field64), PrimeFieldElement.one(in: try knownPrime("127")))
        let mismatch = FieldError.modulusMismatch(expected: a.modulus, actual: b.modulus)
        #expect(throws: mismatch) { try a + b }
        #expect(throws: mismatch) { try a - b }
        #expect(throws: mismatch) { try a * b }
        #expect(throws: mismatch) { try PrimeFieldElement.inverses(of: [a, b]) }
        #expect(a != b)
    }

    @Test func descriptionsDoNotShowTheValue() throws {
        let element = PrimeFieldElement(987_654_321, in: .field64)
        #expect("\(element)" == "PrimeFieldElement(64 bits)")
        var dumped = ""
        dump(element, to: &dumped)
        #expect(!dumped.contains("987654321"))
        #expect(!String(reflecting: element).contains("987654321"))
    }
}
