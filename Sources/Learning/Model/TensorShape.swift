// SPDX-License-Identifier: MIT

/// Names one tensor of a model and gives its dimensions, slowest first (row-major storage).
public struct TensorShape: Sendable, Hashable {
    /// Tells the tensor from the others of its model.
    public let name: String
    /// The extents; none for a scalar.
    public let dimensions: [Int]

    /// Names a tensor; `ModelLayout` checks name and dimensions.
    public init(name: String, dimensions: [Int]) {
        self.name = name
        self.dimensions = dimensions
    }

    /// The number of elements: the product of the dimensions, 1 for a scalar.
    ///
    /// Cannot overflow for a tensor of a `ModelLayout`, which is bounded.
    public var count: Int { dimensions.reduce(1, *) }
}
