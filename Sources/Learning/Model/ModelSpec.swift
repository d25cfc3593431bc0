// SPDX-License-Identifier: MIT

/// Names a built-in model: dense layers with rectifiers between them and a softmax at the end.
///
/// `softmax:784-10` is softmax regression, `mlp:784-128-10` has one hidden layer, `mlp:784-128-64-10` two.
public struct ModelSpec: Sendable, Hashable {
    /// The largest width of a layer.
    public static let widthMax = 1 << 20
    /// The largest number of layers between input and output.
    public static let hiddenLayersMax = 8

    /// Inputs, hidden layers if any, classes.
    public let widths: [Int]
    /// The tensors: `fc1.weight` [outputs, inputs], `fc1.bias` [outputs], `fc2.weight`, …
    public let layout: ModelLayout

    /// The number of features of a sample.
    public var inputs: Int { widths[0] }
    /// The number of classes.
    public var classes: Int { widths[widths.count - 1] }

    /// Makes the specification of a network with these layer widths, the inputs first and the classes last.
    ///
    /// - Throws: `ModelError.specification`.
    public init(widths: [Int]) throws(ModelError) {
        let text = Self.text(widths)
        let lengths = 2...(Self.hiddenLayersMax + 2)
        guard lengths.contains(widths.count) else {
            throw .specification(text, reason: .widthCount(expected: lengths, actual: widths.count))
        }
        for width in widths where !(1...Self.widthMax).contains(width) {
            throw .specification(text, reason: .width("\(width)"))
        }
        let tensors = (1..<widths.count).flatMap { layer in
            [
                TensorShape(name: "fc\(layer).weight", dimensions: [widths[layer], widths[layer - 1]]),
                TensorShape(name: "fc\(layer).bias", dimensions: [widths[layer]]),
            ]
        }
        self.widths = widths
        do {
            self.layout = try ModelLayout(tensors: tensors)
        } catch {
            throw .specification(text, reason: .tooLarge)
        }
    }

    /// Reads `softmax:INPUTS-CLASSES` or `mlp:INPUTS-HIDDEN-…-CLASSES`.
    ///
    /// - Throws: `ModelError.specification`, which says what is wrong with the text.
    public init(parsing text: String) throws(ModelError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let lengths: ClosedRange<Int>
        switch parts[0] {
        case "softmax": lengths = 2...2
        case "mlp": lengths = 3...(Self.hiddenLayersMax + 2)
        default: throw .specification(text, reason: .kind(String(parts[0])))
        }
        let fields = parts.count == 2 ? parts[1].split(separator: "-", omittingEmptySubsequences: false) : []
        guard lengths.contains(fields.count) else {
            throw .specification(text, reason: .widthCount(expected: lengths, actual: fields.count))
        }
        var widths: [Int] = []
        for field in fields {
            guard let width = Int(field), field.allSatisfy(\.isWholeNumber), (1...Self.widthMax).contains(width) else {
                throw .specification(text, reason: .width(String(field)))
            }
            widths.append(width)
        }
        try self.init(widths: widths)
    }

    private static func text(_ widths: [Int]) -> String {
        (widths.count == 2 ? "softmax:" : "mlp:") + widths.map(String.init).joined(separator: "-")
    }
}

extension ModelSpec: CustomStringConvertible {
    /// The text that `init(parsing:)` reads.
    public var description: String { Self.text(widths) }
}
