// SPDX-License-Identifier: MIT

import FiniteField
import Testing

@Suite struct Field64ExtensionTests {
    private func element(_ random: inout TestRandom) -> Field64Extension {
        let parts = sample(2, &random)
        return Field64Extension(one: parts[0], w: parts[1])
    }

    @Test func productsAgreeWithTheDefinition() {
        var random = TestRandom(seed: 3)
        for _ in 0..<200 {
            let (x, y) = (element(&random), element(&random))
            let (a, b, c, d) = (UInt128(x.one), UInt128(x.w), UInt128(y.one), UInt128(y.w))
            let product = x * y
            #expect(product.one == UInt64((a * c % p + b * d % p * 7) % p))
            #expect(product.w == UInt64((a * d % p + b * c % p) % p))
            #expect(x * .one == x)
            #expect(x - x == .zero)
            #expect((x + y) - y == x)
            #expect(x * (x + y) == x * x + x * y)
        }
    }

    @Test func sevenIsNoSquareSoThatThisIsAField() {
        // Euler's criterion; and w itself squares to 7.
        #expect(Field64(reducing: 7).raised(to: (Field64.modulus - 1) / 2) == -Field64.one)
        let w = Field64Extension(one: 0, w: 1)
        #expect(w * w == Field64Extension(one: 7, w: 0))
    }

    @Test func evaluationAgreesWithHornersRuleAndWithTheSum() throws {
        var random = TestRandom(seed: 4)
        for count in lengths where count < 1000 {
            let z = element(&random)
            let words = sample(count, &random)
            let vector = try Field64Vector(canonical: words)
            var horner = Field64Extension.zero
            for word in words { horner = (horner + Field64Extension(one: word, w: 0)) * z }
            var sum = Field64Extension.zero
            var power = Field64Extension.one
            for word in words.reversed() {
                power = power * z
                sum = sum + Field64Extension(one: word, w: 0) * power
            }
            #expect(Field64Extension.tau(z, vector) == horner)
            #expect(sum == horner)
        }
    }

    @Test func evaluationDoesNotDependOnHowTheVectorIsCut() throws {
        var random = TestRandom(seed: 5)
        let z = element(&random)
        let words = sample(77, &random)
        let vector = try Field64Vector(canonical: words)
        for cut in 0...77 {
            var evaluation = TauEvaluation(point: z)
            evaluation.absorb(vector[0..<cut])
            let rest = words[cut...]
            evaluation.absorb(rest.span)
            #expect(evaluation.value == Field64Extension.tau(z, vector))
            #expect(Field64Extension.tau(z, vector, in: 0..<cut) == Field64Extension.tau(z, vector[0..<cut]))
        }
    }

    @Test func evaluationIsLinear() throws {
        var random = TestRandom(seed: 6)
        let z = element(&random)
        let (a, b) = (Field64Vector(unreduced: sample(50, &random)), Field64Vector(unreduced: sample(50, &random)))
        var sum = a
        try sum.add(b)
        #expect(Field64Extension.tau(z, sum) == Field64Extension.tau(z, a) + Field64Extension.tau(z, b))
    }
}
