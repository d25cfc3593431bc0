// SPDX-License-Identifier: MIT

import Learning
import Primitives
import Testing

@Suite struct ParametersTests {
    @Test(arguments: [
        "round-exact-n3.json", "round-exact-n4-dropout.json", "round-first-b32-n4.json", "round-b16-n6.json",
        "closing-n3.json",
    ])
    func parametersHaveTheHashesOfTheVectors(file: String) throws {
        let round = try VectorFiles.load(file, as: VectorFiles.Round.self)
        let layout = try ModelLayout(bytes: bytes(round.layout))
        #expect(round.d == layout.count || file.hasPrefix("closing"), "a closing round carries no model")
        let before = try Parameters(layout: layout, values: round.parameters.map(Float.init(hex:)))
        #expect(before.hash.hex == round.paramsHash)
        #expect(try Parameters(layout: layout, littleEndianBytes: before.littleEndianBytes) == before)
        if let applied = round.apply, let next = round.next {
            let after = try Parameters(layout: layout, values: applied.parameters.map(Float.init(hex:)))
            #expect(after.hash.hex == next.paramsHash)
        }
    }

    @Test func wrongNumberOfParametersIsRefused() throws {
        let layout = try ModelSpec(parsing: "softmax:1-2").layout
        #expect(throws: ModelError.parameterCount(expected: 4, actual: 3)) {
            try Parameters(layout: layout, values: [1, 2, 3])
        }
        #expect(throws: ModelError.parameterCount(expected: 4, actual: 4)) {
            try Parameters(layout: layout, littleEndianBytes: [UInt8](repeating: 0, count: 17))
        }
    }

    @Test func equalityIsThatOfTheBits() throws {
        let layout = try ModelLayout(tensors: [TensorShape(name: "a", dimensions: [2])])
        let one = try Parameters(layout: layout, values: [.nan, 0])
        #expect(try one == Parameters(layout: layout, values: [.nan, 0]))
        #expect(try one != Parameters(layout: layout, values: [.nan, -0.0]))
    }

    /// Made in Python from HMAC, `openssl enc -aes-128-ctr` and the definition of the initial weights.
    @Test func initialWeightsAreKnown() throws {
        let parameters = try Parameters.initial(ModelSpec(parsing: "mlp:2-1-2"), seed: Array(0..<32))
        #expect(
            parameters.values.map(\.bitPattern) == [
                0x3e21_4889, 0x3faa_8c7a, 0, 0x3fae_6dfb, 0xbec6_b4f3, 0, 0,
            ])
    }

    @Test func initialWeightsFillTheirRange() throws {
        let spec = try ModelSpec(parsing: "mlp:100-50-10")
        let values = try Parameters.initial(spec, seed: [UInt8](repeating: 7, count: 32)).values
        let bound: Float = 0.2
        let weights = values[..<5000]
        #expect(weights.allSatisfy { abs($0) <= bound })
        #expect(weights.max()! > 0.99 * bound && weights.min()! < -0.99 * bound)
        #expect(abs(weights.reduce(0, +) / 5000) < 0.01)
        #expect(values[5000..<5050].allSatisfy { $0 == 0 })
    }

    @Test func initialWeightsDependOnTheSeedOnly() throws {
        let spec = try ModelSpec(parsing: "softmax:5-3")
        let seed = [UInt8](repeating: 1, count: 32)
        #expect(try Parameters.initial(spec, seed: seed) == Parameters.initial(spec, seed: seed))
        #expect(
            try Parameters.initial(spec, seed: seed).hash
                != Parameters.initial(spec, seed: [UInt8](repeating: 2, count: 32)).hash)
        #expect(throws: ModelError.seedBytes(actual: 31)) {
            try Parameters.initial(spec, seed: Array(seed.dropLast()))
        }
    }
}
