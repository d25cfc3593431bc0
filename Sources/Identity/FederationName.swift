// SPDX-License-Identifier: MIT

/// Names a federation: 1 to 63 ASCII letters, digits and hyphens.
///
/// It stands in URIs, in DNS-SD records and in file names, which is why it is so narrow.
public struct FederationName: Hashable, Sendable, CustomStringConvertible {
    /// The most characters of a name.
    public static let countMax = 63

    /// The name itself.
    public let text: String

    /// Takes a valid name; nil for any other text.
    public init?(_ text: String) {
        guard (1...Self.countMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    public var description: String { text }

    private static func isAllowed(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

extension FederationName: Codable {
    /// Reads a valid name.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = FederationName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a federation's name is 1 to 63 letters, digits and hyphens")
        }
        self = name
    }

    /// Writes the name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
