// SPDX-License-Identifier: MIT

/// Computes logarithm and exponential with nothing but + − × ÷ on binary64, so that what is drawn with them is the same
/// on every processor and with every C library. Accurate to a few units in the last place.
enum ElementaryFunctions {
    private static let ln2 = 0.693147180559945309417232121458
    // ln 2 in two parts: a multiple of the first by an integer below 2^20 is exact.
    private static let ln2High = 0x1.62e42feep-1
    private static let ln2Low = 1.90821492927058770002e-10

    /// ln x for a finite normal x > 0.
    static func log(_ x: Double) -> Double {
        precondition(x.isNormal && x > 0, "the logarithm of \(x)")
        var mantissa = x.significand
        var exponent = Double(x.exponent)
        if mantissa > 1.4142135623730951 {
            mantissa /= 2
            exponent += 1
        }
        // ln m = 2 artanh s with s = (m − 1)/(m + 1), |s| ≤ 0.1716: the first term left out is below 2^-57 of the sum.
        let s = (mantissa - 1) / (mantissa + 1)
        let square = s * s
        var series = 0.0
        for power in stride(from: 21, through: 1, by: -2) {
            series = series * square + 1 / Double(power)
        }
        return exponent * ln2High + (exponent * ln2Low + 2 * s * series)
    }

    /// e^x for x ≤ 0; 0 below −745.
    static func exp(_ x: Double) -> Double {
        precondition(x <= 0, "the exponential of \(x)")
        guard x > -745 else { return 0 }
        let multiple = (x / ln2).rounded()
        let rest = (x - multiple * ln2High) - multiple * ln2Low
        // |rest| ≤ 0.3466: the first term left out of the Taylor series is below 2^-62.
        var series = 1.0
        for power in stride(from: 14, through: 1, by: -1) {
            series = 1 + series * rest / Double(power)
        }
        return Double(sign: .plus, exponent: Int(multiple), significand: series)
    }
}
