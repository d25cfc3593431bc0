// SPDX-License-Identifier: MIT

/// Says in which way bytes inside the secure channel are not a frame that may stand where it stands.
public enum InvalidFrame: Error, Hashable, Sendable {
    /// A chunk without bytes.
    case chunkEmpty(stream: UInt32)
    /// More bytes on a stream than were granted.
    case creditExceeded(stream: UInt32, granted: Int, actual: Int)
    /// More credit than a window can hold, or none at all.
    case creditOutOfRange(stream: UInt32, credit: UInt32)
    /// A body of another length than its type has.
    case lengthMismatch(type: UInt8, actual: Int)
    /// A frame without even a type.
    case lengthZero
    /// The peer makes this side answer faster than it reads the answers.
    case repliesOverflow(maximum: Int)
    /// A new stream whose number does not ascend or is of the wrong side.
    case streamOutOfOrder(stream: UInt32)
    /// A frame longer than its type may be.
    case tooLong(type: UInt8, count: Int, maximum: Int)
    /// More open streams than allowed.
    case tooManyStreams(maximum: Int)
    /// A frame before the welcome, or a second welcome.
    case unexpected(type: UInt8)
    /// A frame for a stream that was never opened.
    case unknownStream(stream: UInt32)
    /// A type that this version does not have.
    case unknownType(UInt8)
    /// A welcome of another version.
    case unsupportedVersion(expected: UInt16, actual: UInt16)

    /// The case without its payload, for counters.
    public var name: String {
        switch self {
        case .chunkEmpty: "chunkEmpty"
        case .creditExceeded: "creditExceeded"
        case .creditOutOfRange: "creditOutOfRange"
        case .lengthMismatch: "lengthMismatch"
        case .lengthZero: "lengthZero"
        case .repliesOverflow: "repliesOverflow"
        case .streamOutOfOrder: "streamOutOfOrder"
        case .tooLong: "tooLong"
        case .tooManyStreams: "tooManyStreams"
        case .unexpected: "unexpected"
        case .unknownStream: "unknownStream"
        case .unknownType: "unknownType"
        case .unsupportedVersion: "unsupportedVersion"
        }
    }
}
