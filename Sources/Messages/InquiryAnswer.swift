// SPDX-License-Identifier: MIT

import SwiftProtobuf

/// Answers a member that asks where it stands without taking part (protocol section 11, `smpc-inquiry/1`).
///
/// It says nothing that a member does not learn by its Hello, and is sent inside mutual TLS only.
public struct InquiryAnswer: Equatable, Sendable {
    /// The coordinator's clock, milliseconds since 1970 in UTC.
    public let unixMilliseconds: Int64
    /// The model of the present run, or of the last one; nil before the first.
    public let model: String?
    /// Where the parties that are connected now say they can be dialled: unsigned hints.
    public let directory: Directory

    /// The most bytes of a model's specification.
    public static let modelBytesMax = 256
    /// The latest time that is taken: the year 9999.
    static let unixMillisecondsMax: UInt64 = 253_402_300_799_999

    /// Makes an answer.
    public init(unixMilliseconds: Int64, model: String?, directory: Directory) {
        self.unixMilliseconds = unixMilliseconds
        self.model = model
        self.directory = directory
    }

    /// Parses an answer.
    ///
    /// - Throws: `InvalidMessage` for anything that is not one, within the limits.
    public init(encoded bytes: [UInt8]) throws(InvalidMessage) {
        let message = "InquiryAnswer"
        guard bytes.count <= Limits.frameBytesMax else {
            throw .count(message: message, field: "bytes", atMost: Limits.frameBytesMax, actual: bytes.count)
        }
        let wire = try WireInquiryAnswer(wire: bytes, message)
        guard wire.unixMilliseconds <= Self.unixMillisecondsMax else {
            throw .range(message: message, field: "unix_milliseconds", value: wire.unixMilliseconds)
        }
        unixMilliseconds = Int64(wire.unixMilliseconds)
        let text = try Fields(message: message).text(wire.model, "model", bytesMax: Self.modelBytesMax)
        model = text.isEmpty ? nil : text
        directory = try Directory(wire: wire.directory)
    }

    /// Encodes the answer.
    public func encoded() -> [UInt8] {
        WireInquiryAnswer.with {
            $0.unixMilliseconds = UInt64(max(0, unixMilliseconds))
            $0.model = model ?? ""
            $0.directory = directory.wire
        }.wireBytes()
    }
}
