// SPDX-License-Identifier: MIT

import Primitives

extension Parameters {
    /// Draws the first parameters of a run from a public seed of 32 bytes.
    ///
    /// A weight is (2u − 1)·√(6/(fan_in + fan_out)), rounded once to Float32, where u = ⌊word / 2^11⌋ / 2^53 and the
    /// words come in storage order from the XOF with dst `summand/v1 init` and an empty binder; a bias is 0. Nothing
    /// but + − × ÷ √ on binary64: the same on every processor.
    ///
    /// - Throws: `ModelError.seedBytes` unless the seed has 32 bytes.
    public static func initial(_ spec: ModelSpec, seed: [UInt8]) throws(ModelError) -> Parameters {
        guard let seed = Digest(bytes: seed) else { throw .seedBytes(actual: seed.count) }
        var stream = SeededStream(seed: seed, label: "init")
        var values: [Float] = []
        values.reserveCapacity(spec.layout.count)
        for layer in 1..<spec.widths.count {
            let (inputs, outputs) = (spec.widths[layer - 1], spec.widths[layer])
            let bound = (6 / Double(inputs + outputs)).squareRoot()
            for _ in 0..<inputs * outputs {
                values.append(Float((2 * stream.unit() - 1) * bound))
            }
            values.append(contentsOf: repeatElement(0, count: outputs))
        }
        return try Parameters(layout: spec.layout, values: values)
    }
}
