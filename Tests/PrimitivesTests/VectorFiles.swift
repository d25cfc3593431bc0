// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

/// The known-answer files of `Tests/Vectors`.
enum VectorFiles {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors")

    static func load<File: Decodable>(_ name: String, as type: File.Type = File.self) throws -> File {
        try JSONDecoder().decode(type, from: Data(contentsOf: directory.appending(path: name)))
    }
}

/// Bytes written as hexadecimal text in a vector file.
struct Hex: Decodable, Sendable, Equatable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hexadecimal.decode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal")
        }
        self.bytes = bytes
    }
}

/// A 64-bit integer written as decimal text in a vector file.
struct Word: Decodable, Sendable, Equatable {
    let value: UInt64

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = UInt64(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a 64-bit integer")
        }
        self.value = value
    }
}

/// Bytes from hexadecimal text in a test, in which spaces are allowed.
func hex(_ text: String) throws -> [UInt8] {
    try #require(Hexadecimal.decode(text.filter { !$0.isWhitespace }))
}
