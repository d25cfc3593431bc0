// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Compares what a federation opened and applied with wide integers and doubles that share no code with the modules.
@Suite struct NaiveSumTests {
    @Test(arguments: [3, 6]) func sumsAndModelsAreThoseOfWideIntegers(count: Int) throws {
        let federation = try MemoryFederation(sites: count, rounds: 3)
        try federation.connectAll()
        try federation.run()
        #expect(federation.end?.outcome == .complete)
        var model = (0..<10).map { Float($0) / 8 }
        for round in 0..<3 {
            let site = try #require(federation.sites.values.first)
            let base = site.made[round].base
            let updates = federation.sites.values.compactMap { $0.made.first { $0.base == base }?.update }
            #expect(updates.count == count)
            let sums = naiveSum(updates)
            let opened = try #require(federation.opened.first { $0.base == base })
            let prime = Int128(UInt64.max) - Int128(1 << 32) + 2
            for index in 0..<10 {
                #expect(Int128(opened.sum[index]) == (sums[index] % prime + prime) % prime)
            }
            let total = updates.reduce(Int128(0)) { $0 + naiveWeight($1.samples) }
            #expect(Int128(opened.sum[10]) == total)
            model = model.indices.map { naiveApply(model[$0], sums[$0], Double(total)) }
        }
        let finalHash = try #require(federation.coordinator?.chain.paramsHash)
        let final = try #require(federation.coordinatorModels[finalHash])
        #expect(final.map(\.bitPattern) == model.map(\.bitPattern))
    }

    /// Two significant binary digits, half up, found by trying all such numbers.
    private func naiveWeight(_ samples: Int) -> Int128 {
        var best = 0
        for exponent in 0..<20 {
            for digit in [2, 3] where 2 * abs(digit << exponent - samples) <= 2 * abs(best - samples) {
                best = digit << exponent
            }
        }
        return Int128(best)
    }

    private func naiveSum(_ updates: [KeptUpdate]) -> [Int128] {
        (0..<10).map { index in
            updates.reduce(Int128(0)) { sum, update in
                let weight = Double(Int(naiveWeight(update.samples))) / 1_048_576
                let scaled = Double(update.delta[index]) * weight * 1_099_511_627_776
                return sum + Int128(scaled.rounded(.toNearestOrEven))
            }
        }
    }

    private func naiveApply(_ parameter: Float, _ sum: Int128, _ total: Double) -> Float {
        Float(Double(parameter) + Double(Int64(sum)) / 1_099_511_627_776 * (1_048_576 / total))
    }
}
