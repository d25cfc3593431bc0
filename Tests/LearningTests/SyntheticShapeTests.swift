// SPDX-License-Identifier: MIT

import Primitives
import Testing

@testable import Learning

@Suite struct SyntheticShapeTests {
    /// Made in Python with numpy's Float32 from the definition.
    @Test func samplesAreKnown() throws {
        let shape = try SyntheticShape(samples: 10, features: 2, classes: 2)
        let data = try shape.draw(seed: TrainingPlan.syntheticSeed(run: 7))
        #expect(data.labels == [0, 1, 0, 1, 0, 0, 1, 1, 0, 1])
        #expect(
            data.features[..<4].map(\.bitPattern) == [0x3fe9_b634, 0xc064_4924, 0x4076_612f, 0xc03d_fa5f])
    }

    @Test func cloudsAreRoundAndAsWideAsStated() throws {
        let data = try SyntheticShape(samples: 4000, features: 2, classes: 2).draw(seed: .zero)
        for feature in 0..<2 {
            let values = (0..<4000).filter { data.labels[$0] == 1 }.map { Double(data.features[2 * $0 + feature]) }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            // The standard error of a variance of 2,000 samples is about 0.03.
            #expect(abs(variance - 1) < 0.12)
        }
    }
}
