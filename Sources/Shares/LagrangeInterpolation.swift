// SPDX-License-Identifier: MIT

import FiniteField

/// The polynomial of least degree through given values at distinct points, in Lagrange's form:
/// f(x) = Σ_i w_i·Π_{j≠i} (x − x_j) with w_i = y_i / Π_{j≠i} (x_i − x_j).
struct LagrangeInterpolation {
    private let points: [PrimeFieldElement]
    private let weights: [PrimeFieldElement]

    /// Fits a polynomial, with one inversion in all.
    ///
    /// - Throws: `notInvertible` when two points are the same, `modulusMismatch`.
    init(points: [PrimeFieldElement], values: [PrimeFieldElement]) throws(FieldError) {
        var denominators: [PrimeFieldElement] = []
        for (i, point) in points.enumerated() {
            var product = PrimeFieldElement.one(in: point.modulus)
            for (j, other) in points.enumerated() where j != i { product = try product * (point - other) }
            denominators.append(product)
        }
        var weights = try PrimeFieldElement.inverses(of: denominators)
        for i in weights.indices { weights[i] = try weights[i] * values[i] }
        self.points = points
        self.weights = weights
    }

    /// Evaluates at a point, with a number of products linear in the number of points.
    func value(at x: PrimeFieldElement) throws(FieldError) -> PrimeFieldElement {
        // after[i] = Π_{j>i} (x − x_j), and before runs through Π_{j<i} (x − x_j).
        var after = points
        var product = PrimeFieldElement.one(in: x.modulus)
        for i in points.indices.reversed() {
            after[i] = product
            product = try product * (x - points[i])
        }
        var before = PrimeFieldElement.one(in: x.modulus)
        var sum = PrimeFieldElement.zero(in: x.modulus)
        for i in points.indices {
            sum = try sum + weights[i] * before * after[i]
            before = try before * (x - points[i])
        }
        return sum
    }
}
