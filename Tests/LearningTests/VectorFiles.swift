// SPDX-License-Identifier: MIT

import Foundation

/// The known-answer files of `Tests/Vectors`, as far as they speak of layouts and parameters.
enum VectorFiles {
    struct Bytes: Decodable {
        let layout: [Layout]
    }

    struct Layout: Decodable {
        let tensors: [Tensor]
        let bytes: String
    }

    struct Tensor: Decodable {
        let name: String
        let dimensions: [Int]
    }

    struct Round: Decodable {
        let layout: String
        let d: Int
        let parameters: [String]
        let paramsHash: String
        let apply: Applied?
        let next: Next?
    }

    struct Applied: Decodable {
        let parameters: [String]
    }

    struct Next: Decodable {
        let paramsHash: String
    }

    static func load<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors")
        return try JSONDecoder().decode(type, from: Data(contentsOf: directory.appending(path: name)))
    }
}

extension Float {
    /// A value by the hexadecimal digits of its bits, most significant first.
    init(hex: String) throws {
        struct NotHexadecimal: Error {}
        guard let bits = UInt32(hex, radix: 16) else { throw NotHexadecimal() }
        self.init(bitPattern: bits)
    }
}

/// Bytes from hexadecimal digits; anything else in the text is left out.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
