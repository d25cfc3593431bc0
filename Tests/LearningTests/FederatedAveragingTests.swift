// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct FederatedAveragingTests {
    @Test func meanIsWeighted() {
        #expect(
            FederatedAveraging.mean(updates: [[1, -2], [4, 0.5]], weights: [1, 3]) == [13.0 / 4, -0.5 / 4])
    }

    @Test func oneParticipantIsItsOwnMean() {
        #expect(FederatedAveraging.mean(updates: [[0.1, 3]], weights: [5]) == [Double(Float(0.1)), 3])
    }

    @Test func weightZeroContributesNothing() {
        #expect(FederatedAveraging.mean(updates: [[1], [100]], weights: [2, 0]) == [1])
    }
}
