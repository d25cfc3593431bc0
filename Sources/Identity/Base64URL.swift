// SPDX-License-Identifier: MIT

/// Base64url without padding (RFC 4648, section 5), strict: every value has one text.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0...group.count {
                text.append(alphabet[bits >> (18 - 6 * index) & 63])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads text; throws the offset of the first character that cannot stand where it stands.
    static func decode(_ text: some StringProtocol) throws(InvalidCharacter) -> [UInt8] {
        let characters = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var bits = 0
        var bitCount = 0
        for (offset, character) in characters.enumerated() {
            guard let value = value(of: character) else { throw InvalidCharacter(offset: offset) }
            bits = (bits << 6 | value) & 0xfff
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
            }
        }
        // A single character left over carries no byte, and left-over bits that are not zero would be a second text.
        guard bitCount < 6, bits & (1 << bitCount - 1) == 0 else {
            throw InvalidCharacter(offset: characters.count - 1)
        }
        return bytes
    }

    struct InvalidCharacter: Error, Equatable {
        let offset: Int
    }

    private static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
