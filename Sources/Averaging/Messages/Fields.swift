// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import SwiftProtobuf

/// Reads the fields of one wire message into domain values, naming message and field when one does not fit.
struct Fields {
    let message: String

    func digest(_ data: Data, _ field: String) throws(InvalidAveragingMessage) -> Digest {
        Digest(bytes: try bytes(data, field, count: 32)) ?? .zero
    }

    func optionalDigest(_ data: Data, _ field: String) throws(InvalidAveragingMessage) -> Digest? {
        data.isEmpty ? nil : try digest(data, field)
    }

    func bytes(_ data: Data, _ field: String, count: Int) throws(InvalidAveragingMessage) -> [UInt8] {
        guard data.count == count else {
            throw .length(message: message, field: field, expected: count, actual: data.count)
        }
        return [UInt8](data)
    }

    func integer(
        _ value: some BinaryInteger, _ field: String, _ range: ClosedRange<Int>
    ) throws(InvalidAveragingMessage) -> Int {
        guard let result = Int(exactly: value), range.contains(result) else {
            throw .range(message: message, field: field)
        }
        return result
    }

    func number(
        _ value: Double, _ field: String, _ range: ClosedRange<Double>
    ) throws(InvalidAveragingMessage) -> Double {
        guard range.contains(value) else { throw .range(message: message, field: field) }
        return value
    }

    func text(_ string: String, _ field: String, bytesMax: Int) throws(InvalidAveragingMessage) -> String {
        guard string.utf8.count <= bytesMax,
            string.unicodeScalars.allSatisfy(MemberName.prints)
        else { throw .range(message: message, field: field) }
        return string
    }
}

extension SwiftProtobuf.Message {
    /// Parses wire bytes, turning every failure of the library into a named error.
    init(wire bytes: [UInt8], _ name: String) throws(InvalidAveragingMessage) {
        do {
            try self.init(serializedBytes: bytes)
        } catch {
            throw .malformed(message: name)
        }
    }

    /// Encodes the message; our own messages have no required fields, so encoding cannot fail.
    func wireBytes() -> [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            preconditionFailure("a proto3 message always encodes: \(error)")
        }
    }
}

extension Digest {
    var data: Data { Data(bytes) }
}
