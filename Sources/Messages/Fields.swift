// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Quantization
import SwiftProtobuf

/// Reads the fields of one wire message into domain values, naming message and field when one does not fit.
struct Fields {
    let message: String

    func digest(_ data: Data, _ field: String) throws(InvalidMessage) -> Digest {
        guard let digest = Digest(bytes: [UInt8](data)) else { throw length(field, 32, data.count) }
        return digest
    }

    func digests(_ list: [Data], _ field: String, atMost limit: Int) throws(InvalidMessage) -> [Digest] {
        try bounded(list.count, field, atMost: limit)
        var result: [Digest] = []
        result.reserveCapacity(list.count)
        for data in list { result.append(try digest(data, field)) }
        return result
    }

    func optionalDigest(_ data: Data, _ field: String) throws(InvalidMessage) -> Digest? {
        data.isEmpty ? nil : try digest(data, field)
    }

    func party(_ data: Data, _ field: String) throws(InvalidMessage) -> PartyID {
        guard let party = PartyID(bytes: [UInt8](data)) else { throw length(field, 16, data.count) }
        return party
    }

    func parties(_ list: [Data], _ field: String, atMost limit: Int) throws(InvalidMessage) -> [PartyID] {
        try bounded(list.count, field, atMost: limit)
        var result: [PartyID] = []
        for data in list { result.append(try party(data, field)) }
        return result
    }

    func bytes(_ data: Data, _ field: String, count: Int) throws(InvalidMessage) -> [UInt8] {
        guard data.count == count else { throw length(field, count, data.count) }
        return [UInt8](data)
    }

    func text(_ string: String, _ field: String, bytesMax: Int) throws(InvalidMessage) -> String {
        guard string.utf8.count <= bytesMax,
            string.unicodeScalars.allSatisfy(MemberName.prints)
        else { throw .text(message: message, field: field) }
        return string
    }

    func code<Code: RawRepresentable>(_ value: UInt32, _ field: String) throws(InvalidMessage) -> Code
    where Code.RawValue == UInt8 {
        guard let raw = UInt8(exactly: value), let code = Code(rawValue: raw) else {
            throw .range(message: message, field: field, value: UInt64(value))
        }
        return code
    }

    func range(_ value: some BinaryInteger, _ field: String, _ range: ClosedRange<UInt64>) throws(InvalidMessage) -> Int
    {
        let wide = UInt64(clamping: value)
        guard range.contains(wide), let result = Int(exactly: wide) else {
            throw .range(message: message, field: field, value: wide)
        }
        return result
    }

    func exponent(_ value: Int32, _ field: String) throws(InvalidMessage) -> Int32 {
        guard PackedEncoding.exponentRange.contains(value) else {
            throw .range(message: message, field: field, value: UInt64(bitPattern: Int64(value)))
        }
        return value
    }

    func finite(_ value: Double, _ field: String, _ range: ClosedRange<Double>) throws(InvalidMessage) -> Double {
        guard value.isFinite, range.contains(value) else {
            throw .range(message: message, field: field, value: value.bitPattern)
        }
        return value
    }

    func bounded(_ count: Int, _ field: String, atMost limit: Int) throws(InvalidMessage) {
        guard count <= limit else { throw .count(message: message, field: field, atMost: limit, actual: count) }
    }

    func length(_ field: String, _ expected: Int, _ actual: Int) -> InvalidMessage {
        .length(message: message, field: field, expected: expected, actual: actual)
    }
}

extension SwiftProtobuf.Message {
    /// Parses wire bytes, turning every failure of the library into a named error.
    init(wire bytes: [UInt8], _ name: String) throws(InvalidMessage) {
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

extension PartyID {
    var data: Data { Data(bytes) }
}

extension Envelope {
    init(wire: WireEnvelope) {
        self.init(payload: [UInt8](wire.payload), signature: [UInt8](wire.signature))
    }

    var wire: WireEnvelope {
        .with {
            $0.payload = Data(payload)
            $0.signature = Data(signature)
        }
    }
}
