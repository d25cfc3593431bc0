// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import Learning

@Suite struct DirichletSamplerTests {
    @Test func logarithmAndExponentialAgreeWithTheLibrary() {
        for x in [0x1p-53, 0x1p-1000, 0.1, 0.5, 0.7071, 0.99999999, 1, 1 + 0x1p-52, 1.4142135, 1.4142136, 2, 10, 1e300]
        {
            let expected = Foundation.log(x)
            #expect(abs(ElementaryFunctions.log(x) - expected) <= 4 * expected.ulp, "ln \(x)")
        }
        for x in [0, -0x1p-60, -0.1, -0.3465, -0.3466, -1, -10.5, -700, -744.9] {
            let expected = Foundation.exp(x)
            #expect(abs(ElementaryFunctions.exp(x) - expected) <= 4 * expected.ulp, "e^\(x)")
        }
        #expect(ElementaryFunctions.exp(-1000) == 0)
        #expect(ElementaryFunctions.exp(-.infinity) == 0)
    }

    /// Gamma(α) has mean α and variance α; six standard errors of both from 4,000 draws.
    @Test(arguments: [0.1, 0.5, 0.999, 1, 3.5, 100])
    func gammaHasItsMeanAndVariance(alpha: Double) {
        var stream = SeededStream(seed: .zero, label: "test")
        let draws = (0..<4000).map { _ in Foundation.exp(DirichletSampler.logarithmOfGamma(alpha, &stream)) }
        let mean = draws.reduce(0, +) / 4000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
        #expect(abs(mean - alpha) < 6 * (alpha / 4000).squareRoot())
        #expect(abs(variance - alpha) < 6 * ((2 * alpha * alpha + 6 * alpha) / 4000).squareRoot())
    }

    @Test(arguments: [0.001, 0.5, 1_000_000])
    func proportionsSumToOne(alpha: Double) {
        var stream = SeededStream(seed: .zero, label: "test")
        for _ in 0..<50 {
            let draw = DirichletSampler.draw(alpha: alpha, count: 7, &stream)
            #expect(draw.allSatisfy { $0 >= 0 && $0 <= 1 })
            #expect(abs(draw.reduce(0, +) - 1) < 1e-12)
        }
    }

    /// One coordinate of a symmetric Dirichlet has variance (1/n)(1 − 1/n)/(nα + 1).
    @Test func proportionsHaveTheirVariance() {
        var stream = SeededStream(seed: .zero, label: "test")
        let draws = (0..<2000).map { _ in DirichletSampler.draw(alpha: 0.5, count: 4, &stream)[2] }
        let variance = draws.reduce(0) { $0 + ($1 - 0.25) * ($1 - 0.25) } / 2000
        #expect(abs(variance - 0.25 * 0.75 / 3) < 0.008)
    }
}
