// SPDX-License-Identifier: MIT

/// Orders the tensors of a model as they lie in its vector of parameters, one after the other.
///
/// This is `layout` of docs/PROTOCOL.md, section 2: it is part of `paramsHash` and of `encodingHash`.
public struct ModelLayout: Sendable, Hashable {
    /// The largest number of parameters of a model.
    public static let elementsMax = 1 << 27
    /// The largest number of tensors of a model.
    public static let tensorsMax = 1 << 12
    /// The largest number of dimensions of a tensor.
    public static let rankMax = 8
    /// The longest name of a tensor, in bytes of UTF-8.
    public static let nameBytesMax = 255

    /// The tensors in storage order; their names differ.
    public let tensors: [TensorShape]
    /// The number of parameters of the model, d in the protocol.
    public let count: Int

    /// Checks names, shapes and sizes.
    ///
    /// - Throws: `ModelError.layoutSize`, `.layoutName`, `.layoutShape` or `.layoutDuplicateName`.
    public init(tensors: [TensorShape]) throws(ModelError) {
        guard (1...Self.tensorsMax).contains(tensors.count) else { throw .layoutSize }
        var names: Set<String> = []
        var total = 0
        for (index, tensor) in tensors.enumerated() {
            guard (1...Self.nameBytesMax).contains(tensor.name.utf8.count) else { throw .layoutName(tensor: index) }
            guard names.insert(tensor.name).inserted else { throw .layoutDuplicateName(tensor.name) }
            total += try Self.elements(of: tensor)
            // Before this addition the total was at most elementsMax, and so is what was added: no overflow.
            guard total <= Self.elementsMax else { throw .layoutSize }
        }
        self.tensors = tensors
        self.count = total
    }

    private static func elements(of tensor: TensorShape) throws(ModelError) -> Int {
        guard tensor.dimensions.count <= rankMax, tensor.dimensions.allSatisfy({ $0 > 0 }) else {
            throw .layoutShape(name: tensor.name)
        }
        var count = 1
        for dimension in tensor.dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= elementsMax else { throw .layoutSize }
            count = product
        }
        return count
    }

    /// The offset of each tensor in the vector of parameters, in elements.
    public var offsets: [Int] {
        var next = 0
        return tensors.map { tensor in
            defer { next += tensor.count }
            return next
        }
    }
}
