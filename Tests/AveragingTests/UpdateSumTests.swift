// SPDX-License-Identifier: MIT

import Identity
import Learning
import Quantization
import Testing

@testable import Averaging

@Suite struct UpdateSumTests {
    private let parties = (0..<3).compactMap { PartyID(bytes: [UInt8](repeating: UInt8($0), count: 16)) }
    private let weights: [Int64] = [96, 8, 1_024]

    private func update(_ index: Int, count: Int = 15) -> ClientUpdate {
        let delta = (0..<count).map { Float($0 * (index + 1) % 7 - 3) * 0.001 }
        return ClientUpdate(round: 1, weight: weights[index], metrics: Samples.metrics, delta: delta)
    }

    private let model = (0..<15).map { Float($0) * 0.125 - 0.5 }

    /// The sums of updates in binary32; `QuantisedSumTests` has those of vectors.
    static let kinds = [PlainSum.exact, .float32]

    /// Applies the sum of all updates that arrive in this order.
    private func applied(_ order: [Int], _ kind: PlainSum) throws -> [Float] {
        var sum = try UpdateSum(try Samples.configuration(sum: kind), members: 3)
        for index in order { try sum.add(update(index), of: parties[index]) }
        return try values(sum)
    }

    /// Applies a sum, which in these kinds always can be.
    private func values(_ sum: UpdateSum) throws -> [Float] {
        guard case .applied(let applied) = try sum.outcome(for: model) else { throw CancellationError() }
        #expect(applied.scale == .exact && applied.errorBound == nil && applied.bytes == nil)
        return applied.values
    }

    @Test(arguments: kinds) func theOrderOfArrivalDoesNotMatter(kind: PlainSum) throws {
        let expected = try applied([0, 1, 2], kind)
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            #expect(try applied(order, kind).map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }

    @Test func theExactSumIsThatOfIntegersInUnitsOfTwoToTheMinusForty() throws {
        let applied = try applied([0, 1, 2], .exact)
        let total = Double(weights.reduce(0, +))
        for coordinate in model.indices {
            var sum: Int64 = 0
            for index in 0..<3 {
                let scaled = Double(update(index).delta[coordinate]) * (Double(weights[index]) / 1_048_576) * 0x1p40
                sum += Int64(scaled.rounded(.toNearestOrEven))
            }
            let expected = Float(Double(model[coordinate]) + Double(sum) / 0x1p40 * (1_048_576 / total))
            #expect(applied[coordinate].bitPattern == expected.bitPattern)
        }
    }

    @Test func theMeanInBinary64IsThatOfFederatedAveraging() throws {
        let mean = FederatedAveraging.mean(
            updates: (0..<3).map { update($0).delta }, weights: weights.map { Double($0) })
        #expect(try applied([2, 1, 0], .float32) == zip(model, mean).map { Float(Double($0) + $1) })
    }

    @Test func figuresAddUp() throws {
        var sum = try UpdateSum(try Samples.configuration(), members: 3)
        for index in 0..<3 { try sum.add(update(index), of: parties[index]) }
        #expect(sum.count == 3)
        #expect(sum.metrics == UpdateMetrics(loss: 15_000, correct: 210, tested: 288, clipped: 3))
    }

    @Test(arguments: kinds) func anUpdateThatIsNoneLeavesTheSumAsItWas(kind: PlainSum) throws {
        var sum = try UpdateSum(try Samples.configuration(sum: kind), members: 3)
        try sum.add(update(0), of: parties[0])
        try sum.add(update(1), of: parties[1])
        let before = try values(sum)
        var broken = update(2)
        broken.delta[4] = .infinity
        #expect(throws: QuantizationError.notFinite(coordinate: 4)) { try sum.add(broken, of: parties[2]) }
        #expect(throws: QuantizationError.countMismatch(expected: 15, actual: 14)) {
            try sum.add(update(2, count: 14), of: parties[2])
        }
        broken = update(2)
        broken.weight = 97  // Has more than two significant binary digits.
        #expect(throws: QuantizationError.self) { try sum.add(broken, of: parties[2]) }
        #expect(sum.count == 2)
        #expect(try values(sum) == before)
    }

    @Test func withoutUpdatesThereIsNoMean() throws {
        for kind in Self.kinds {
            let sum = try UpdateSum(try Samples.configuration(sum: kind), members: 3)
            #expect(throws: QuantizationError.totalWeightNotPositive(0)) { try sum.outcome(for: model) }
        }
    }
}
