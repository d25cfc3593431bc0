// SPDX-License-Identifier: MIT

import FoundationEssentials

/// Turns records into JSON text and back, deterministically: sorted keys, no escaped slashes.
///
/// A number that JSON cannot express (a diverged loss) is written as the string `NaN`, `Infinity` or `-Infinity`.
public enum RecordCoding {
    /// Encodes on one line, without the line's end.
    public static func line(_ value: some Encodable) throws -> [UInt8] {
        try encode(value, [.sortedKeys, .withoutEscapingSlashes])
    }

    /// Encodes indented for people, with a final line end.
    static func document(_ value: some Encodable) throws -> [UInt8] {
        try encode(value, [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]) + [UInt8(ascii: "\n")]
    }

    /// Decodes one JSON value from `bytes`, which begin at `line` of `file`; nil when the file is one value.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], file: String, line: Int?
    ) throws(ReportingError) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw located(error, bytes: bytes, file: file, line: line)
        } catch {
            throw .malformed(file: file, line: line, reason: "\(error)")
        }
    }

    private static func encode(_ value: some Encodable, _ format: JSONEncoder.OutputFormatting) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = format
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return [UInt8](try encoder.encode(value))
    }

    /// Names the key at fault and the line it stands on.
    private static func located(_ error: DecodingError, bytes: [UInt8], file: String, line: Int?) -> ReportingError {
        switch error {
        case .keyNotFound(let key, _):
            return .missingKey(file: file, line: line, key: key.stringValue)
        case .typeMismatch(let type, let context):
            return wrongValue(context, "expected \(name(of: type))", bytes, file, line)
        case .valueNotFound(let type, let context):
            return wrongValue(context, "expected \(name(of: type)), found null", bytes, file, line)
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return wrongValue(context, context.debugDescription, bytes, file, line)
        case .dataCorrupted:
            return .malformed(file: file, line: line, reason: "this is not a JSON object")
        @unknown default:
            return .malformed(file: file, line: line, reason: "\(error)")
        }
    }

    private static func wrongValue(
        _ context: DecodingError.Context, _ reason: String, _ bytes: [UInt8], _ file: String, _ line: Int?
    ) -> ReportingError {
        guard let key = context.codingPath.first?.stringValue else {
            return .malformed(file: file, line: line, reason: "this is not a JSON object")
        }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return .wrongValue(file: file, line: line ?? lineNumber(of: key, in: bytes), key: path, reason: reason)
    }

    /// Finds the line, from 1, on which a key of an indented object stands.
    private static func lineNumber(of key: String, in bytes: [UInt8]) -> Int? {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .firstIndex { String(decoding: $0, as: UTF8.self).contains("\"\(key)\"") }
            .map { $0 + 1 }
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is Int.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        case is String.Type: "a string"
        default: "\(type)".hasPrefix("Array") ? "an array" : "an object"
        }
    }
}
