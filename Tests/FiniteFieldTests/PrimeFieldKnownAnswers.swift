// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Testing

/// `Tests/Vectors/prime-fields.json`, made by `scripts/make_field_vectors.py`.
struct PrimeFieldKnownAnswers: Decodable {
    /// Arithmetic modulo one prime; elements are little-endian bytes in hexadecimal.
    struct Field: Decodable, CustomTestStringConvertible {
        let name, modulus: String
        let bits: Int
        let a, b, scalar, sum, difference, negative, product, scaled: String
        let innerProduct, hundredALessSevenB, units, inverses: String

        var testDescription: String { name }
    }

    let fields: [Field]
    let composites: [String]

    static func load() throws -> PrimeFieldKnownAnswers {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            PrimeFieldKnownAnswers.self, from: Data(contentsOf: tests.appending(path: "Vectors/prime-fields.json")))
    }
}

/// Bytes from their hexadecimal digits.
func bytes(_ hexadecimal: String) -> [UInt8] {
    var digits = hexadecimal[...]
    var bytes: [UInt8] = []
    while !digits.isEmpty {
        bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return bytes
}
