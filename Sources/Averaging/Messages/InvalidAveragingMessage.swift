// SPDX-License-Identifier: MIT

/// Says why bytes from the other side are not a message of plain averaging: message and field, never the bytes themselves.
package enum InvalidAveragingMessage: Error, Equatable {
    /// No body, or one that this version does not know.
    case empty(message: String)
    /// A fixed-length field has another length.
    case length(message: String, field: String, expected: Int, actual: Int)
    /// The bytes are not Protocol Buffers of this message.
    case malformed(message: String)
    /// A value lies outside its range, or a name is unknown.
    case range(message: String, field: String)
    /// A message that the sender's side does not send, or not at this moment.
    case unexpected(message: String)
}

extension InvalidAveragingMessage: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty(let message): "\(message) has no content that this version knows"
        case .length(let message, let field, let expected, let actual):
            "\(field) of \(message) has \(actual) bytes instead of \(expected)"
        case .malformed(let message): "a \(message) cannot be read"
        case .range(let message, let field): "\(field) of \(message) is out of range"
        case .unexpected(let message): "a \(message) is not expected"
        }
    }
}
