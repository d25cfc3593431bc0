// SPDX-License-Identifier: MIT

/// Why bytes are not a safetensors file of a model, or not of the expected one. Offsets count from the file's beginning.
public enum SafetensorsError: Error, Equatable, Sendable {
    /// A tensor holds something else than 32-bit floating-point numbers.
    case dataType(tensor: String, actual: String)
    /// A name or key occurs twice.
    case duplicate(String)
    /// The header is not the JSON it must be.
    case header(offset: Int, expected: String)
    /// The header is longer than the limit or than the file.
    case headerLength(actual: UInt64, available: Int)
    /// The tensors do not make a model layout.
    case layout(ModelError)
    /// The model has a tensor that the file lacks.
    case missing(tensor: String)
    /// A tensor's bytes overlap others, leave a gap, do not match its shape or lie outside the file.
    case offsets(tensor: String, begin: Int, end: Int)
    /// A tensor has other dimensions than in the model.
    case shape(tensor: String, expected: [Int], actual: [Int])
    /// The file is larger than any model.
    case tooLarge(bytes: Int)
    /// The file goes on after the last tensor.
    case trailing(bytes: Int)
    /// The file has a tensor that the model lacks.
    case unexpected(tensor: String)
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .dataType(let tensor, let actual): "tensor '\(tensor)' has type \(actual), not F32"
        case .duplicate(let name): "'\(name)' occurs twice"
        case .header(let offset, let expected): "not a safetensors file: \(expected) expected at byte \(offset)"
        case .headerLength(let actual, let available):
            "not a complete safetensors file: header of \(actual) bytes, at most \(available) possible"
        case .layout(let error): "\(error)"
        case .missing(let tensor): "tensor '\(tensor)' of the model is missing"
        case .offsets(let tensor, let begin, let end):
            "tensor '\(tensor)' cannot lie at bytes \(begin)..<\(end) of the data"
        case .shape(let tensor, let expected, let actual):
            "tensor '\(tensor)' has shape \(actual), the model's has \(expected)"
        case .tooLarge(let bytes): "\(bytes) bytes are more than any model has"
        case .trailing(let bytes): "\(bytes) bytes follow the last tensor"
        case .unexpected(let tensor): "tensor '\(tensor)' is not in the model"
        }
    }
}
