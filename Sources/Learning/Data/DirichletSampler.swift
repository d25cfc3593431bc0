// SPDX-License-Identifier: MIT

/// Draws from a symmetric Dirichlet distribution through independent gamma variates.
///
/// Gamma(α) for α ≥ 1 is Marsaglia and Tsang's method ("A simple method for generating gamma variables", ACM TOMS 26,
/// 2000); for α < 1 it is Gamma(α + 1)·U^(1/α) (the same paper, section 6). Normal variates come from Marsaglia's polar
/// method. Variates are kept as logarithms, so that a tiny α does not underflow to a draw of nothing but zeros.
enum DirichletSampler {
    /// Proportions that sum to 1 up to rounding; alpha must be positive.
    static func draw(alpha: Double, count: Int, _ stream: inout SeededStream) -> [Double] {
        var logarithms: [Double] = []
        for _ in 0..<count {
            logarithms.append(logarithmOfGamma(alpha, &stream))
        }
        let largest = logarithms.max() ?? 0
        // The largest weight is 1, so the sum lies in [1, count].
        let weights = logarithms.map { ElementaryFunctions.exp($0 - largest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// ln of a Gamma(alpha, 1) variate.
    static func logarithmOfGamma(_ alpha: Double, _ stream: inout SeededStream) -> Double {
        guard alpha < 1 else { return ElementaryFunctions.log(gamma(alpha, &stream)) }
        let boost = ElementaryFunctions.log(positiveUnit(&stream)) / alpha
        return ElementaryFunctions.log(gamma(alpha + 1, &stream)) + boost
    }

    /// Marsaglia and Tsang's method, alpha ≥ 1.
    private static func gamma(_ alpha: Double, _ stream: inout SeededStream) -> Double {
        let d = alpha - 1.0 / 3.0
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal(&stream)
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            let u = positiveUnit(&stream)
            if ElementaryFunctions.log(u) < 0.5 * x * x + d - d * v + d * ElementaryFunctions.log(v) {
                return d * v
            }
        }
    }

    /// A standard normal variate; the polar method's second one is not kept.
    private static func normal(_ stream: inout SeededStream) -> Double {
        while true {
            let (a, b) = (2 * stream.unit() - 1, 2 * stream.unit() - 1)
            let s = a * a + b * b
            if s > 0, s < 1 {
                return a * (-2 * ElementaryFunctions.log(s) / s).squareRoot()
            }
        }
    }

    /// A number in (0, 1].
    private static func positiveUnit(_ stream: inout SeededStream) -> Double {
        1 - stream.unit()
    }
}
