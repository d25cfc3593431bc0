// SPDX-License-Identifier: MIT

/// Holds what a safetensors file says: parameters in the order of their bytes, and free text under keys.
public struct StoredModel: Sendable, Equatable {
    /// The tensors and their values.
    public let parameters: Parameters
    /// Free text, such as the round.
    public let metadata: [String: String]

    /// Puts parameters and text together.
    public init(parameters: Parameters, metadata: [String: String] = [:]) {
        self.parameters = parameters
        self.metadata = metadata
    }

    /// Brings the tensors into the order of a model, by their names: other programs sort them.
    ///
    /// - Throws: `SafetensorsError.missing`, `.unexpected` or `.shape`.
    public func parameters(as layout: ModelLayout) throws(SafetensorsError) -> Parameters {
        let stored = parameters.layout
        let offsets = stored.offsets
        var places: [String: Int] = [:]
        for (index, tensor) in stored.tensors.enumerated() {
            places[tensor.name] = index
        }
        var values: [Float] = []
        values.reserveCapacity(layout.count)
        for tensor in layout.tensors {
            guard let place = places.removeValue(forKey: tensor.name) else { throw .missing(tensor: tensor.name) }
            let actual = stored.tensors[place]
            guard actual.dimensions == tensor.dimensions else {
                throw .shape(tensor: tensor.name, expected: tensor.dimensions, actual: actual.dimensions)
            }
            values += parameters.values[offsets[place]..<offsets[place] + actual.count]
        }
        if let surplus = stored.tensors.first(where: { places[$0.name] != nil }) {
            throw .unexpected(tensor: surplus.name)
        }
        do {
            return try Parameters(layout: layout, values: values)
        } catch {
            throw .layout(error)
        }
    }
}
