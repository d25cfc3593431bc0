// SPDX-License-Identifier: MIT

import FiniteField
import Foundation

/// A value of a file in `Tests/Vectors`; what is not there is a failed test.
enum Known: Decodable {
    case list([Known])
    case nothing
    case number(Int)
    case object([String: Known])
    case text(String)

    struct Missing: Error {
        let what: String
    }

    static func load(_ name: String) throws -> Known {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: tests.appending(path: "Vectors/\(name).json"))
        return try JSONDecoder().decode(Known.self, from: data)
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .nothing
        } else if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else if let truth = try? value.decode(Bool.self) {
            self = .number(truth ? 1 : 0)
        } else if let truth = try? value.decode(Bool.self) {
            self = .number(truth ? 1 : 0)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([Known].self) {
            self = .list(list)
        } else if let members = try? value.decode([String: Known].self) {
            self = .object(members)
        } else {
            // A number that is no integer; no test here reads one.
            self = .nothing
        }
    }

    func get(_ key: String) throws -> Known {
        guard case .object(let members) = self, let member = members[key] else { throw Missing(what: key) }
        return member
    }

    func list() throws -> [Known] {
        guard case .list(let elements) = self else { throw Missing(what: "list") }
        return elements
    }

    func int() throws -> Int {
        guard case .number(let number) = self else { throw Missing(what: "number") }
        return number
    }

    func text() throws -> String {
        guard case .text(let text) = self else { throw Missing(what: "text") }
        return text
    }

    /// Bytes in hexadecimal.
    func bytes() throws -> [UInt8] {
        let digits = Array(try text().utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                throw Missing(what: "hexadecimal")
            }
            return byte
        }
    }

    /// A list of field elements in decimal.
    func vector() throws -> Field64Vector {
        try Field64Vector(
            canonical: list().map { element in
                guard let word = UInt64(try element.text()) else { throw Missing(what: "element") }
                return word
            })
    }

    /// A list of integers in decimal.
    func integers() throws -> [Int64] {
        try list().map { element in
            guard let integer = Int64(try element.text()) else { throw Missing(what: "integer") }
            return integer
        }
    }

    /// A list of Float32 by their bits.
    func floats() throws -> [Float] {
        try list().map { element in
            guard let bits = UInt32(try element.text(), radix: 16) else { throw Missing(what: "Float32") }
            return Float(bitPattern: bits)
        }
    }

    /// A Float64 by its bits.
    func double() throws -> Double {
        guard let bits = UInt64(try text(), radix: 16) else { throw Missing(what: "Float64") }
        return Double(bitPattern: bits)
    }
}
