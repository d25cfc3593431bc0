// SPDX-License-Identifier: MIT

/// Why a model specification, a layout or parameters are refused.
public enum ModelError: Error, Equatable, Sendable {
    /// The bytes end in the middle of a layout, or go on after it.
    case layoutBytes(count: Int, offset: Int)
    /// Two tensors have one name.
    case layoutDuplicateName(String)
    /// A tensor's name is empty, longer than `ModelLayout.nameBytesMax` or not UTF-8.
    case layoutName(tensor: Int)
    /// A tensor has more than `ModelLayout.rankMax` dimensions, or one that is not positive.
    case layoutShape(name: String)
    /// There are no tensors, or more of them, or of elements, than `ModelLayout` allows.
    case layoutSize
    /// There are more or fewer parameters than the layout has elements.
    case parameterCount(expected: Int, actual: Int)
    /// A seed of initial weights must have 32 bytes.
    case seedBytes(actual: Int)
    /// The specification is not `softmax:INPUTS-CLASSES` or `mlp:INPUTS-HIDDEN-…-CLASSES`.
    case specification(String, reason: SpecificationFault)

    /// What is wrong with a model specification.
    public enum SpecificationFault: Equatable, Sendable {
        /// The word before the colon is neither `softmax` nor `mlp`.
        case kind(String)
        /// The model would have more than `ModelLayout.elementsMax` parameters.
        case tooLarge
        /// A width is no number in 1…`ModelSpec.widthMax`.
        case width(String)
        /// There are too few or too many widths for this kind.
        case widthCount(expected: ClosedRange<Int>, actual: Int)
    }
}

extension ModelError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .layoutBytes(let count, let offset):
            "model layout of \(count) bytes breaks off or goes on at byte \(offset)"
        case .layoutDuplicateName(let name): "model layout has two tensors named '\(name)'"
        case .layoutName(let tensor): "tensor \(tensor) of the model layout has no valid name"
        case .layoutShape(let name): "tensor '\(name)' has no valid shape"
        case .layoutSize: "model layout is empty or larger than \(ModelLayout.elementsMax) parameters"
        case .parameterCount(let expected, let actual): "the model has \(expected) parameters, not \(actual)"
        case .seedBytes(let actual): "a seed has 32 bytes, not \(actual)"
        case .specification(let text, let reason):
            "model '\(text)': \(reason); write softmax:784-10 or mlp:784-128-10"
        }
    }
}

extension ModelError.SpecificationFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .kind(let kind): "there is no kind of model named '\(kind)'"
        case .tooLarge: "more than \(ModelLayout.elementsMax) parameters"
        case .width(let text): "'\(text)' is not a layer width between 1 and \(ModelSpec.widthMax)"
        case .widthCount(let expected, let actual):
            expected.lowerBound == expected.upperBound
                ? "\(actual) layer widths instead of \(expected.lowerBound)"
                : "\(actual) layer widths instead of \(expected.lowerBound) to \(expected.upperBound)"
        }
    }
}
