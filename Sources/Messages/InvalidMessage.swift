// SPDX-License-Identifier: MIT

/// Says why bytes from a remote party are not a message of the protocol.
///
/// Names the message and the field and gives lengths and codes, never the bytes themselves.
public enum InvalidMessage: Error, Equatable, Sendable {
    /// A list has more entries than the protocol allows.
    case count(message: String, field: String, atMost: Int, actual: Int)
    /// No body, or one that this version does not know.
    case empty(message: String)
    /// A fixed-length field has another length.
    case length(message: String, field: String, expected: Int, actual: Int)
    /// The bytes are not Protocol Buffers of this message.
    case malformed(message: String)
    /// A value lies outside its range, or a code is unknown.
    case range(message: String, field: String, value: UInt64)
    /// The signature does not verify under the key of the party that should have signed.
    case signature(message: String)
    /// Text is empty, too long or not of the form the field demands.
    case text(message: String, field: String)
}
