// SPDX-License-Identifier: MIT

import Primitives

extension InvitationToken {
    /// The most characters of a token's text that are looked at.
    static let textCountMax = 8 * 1024

    /// Reads the text of a token, white space around it allowed; throws what is wrong with it.
    public init(text: String) throws(TokenError) {
        let text = text.trimmingWhitespace()
        guard text.hasPrefix(Self.prefix) else { throw .prefixMissing }
        guard text.utf8.count <= Self.textCountMax else {
            throw .trailingBytes(count: text.utf8.count - Self.textCountMax)
        }
        let bytes: [UInt8]
        do {
            bytes = try Base64URL.decode(text.dropFirst(Self.prefix.count))
        } catch {
            throw .base64Invalid(offset: Self.prefix.count + error.offset)
        }
        try self.init(bytes: bytes)
    }

    /// The text to hand to the member, and to nobody else.
    public func exposedText() -> String {
        Self.prefix + Base64URL.encode(exposedBytes())
    }

    func exposedBytes() -> [UInt8] {
        var bytes = Self.short(federation.text)
        bytes += authorityFingerprint.bytes
        bytes += secret.exposedBytes()
        bytes += Self.short(name)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: expiry >> (56 - 8 * $0)) }
        bytes.append(UInt8(addresses.count))
        for address in addresses { bytes += Self.short(address) }
        return bytes
    }

    private init(bytes: [UInt8]) throws(TokenError) {
        var reader = Reader(rest: bytes[...])
        guard let federation = FederationName(try reader.text("federation")) else { throw .federationInvalid }
        guard let fingerprint = Digest(bytes: try reader.bytes(Digest.count, "fingerprint")) else {
            throw .truncated(field: "fingerprint")
        }
        let secret = SecretBytes(Array(try reader.bytes(Self.secretCount, "secret")))
        let name = try reader.text("name")
        let expiry = try reader.bytes(8, "expiry").reduce(0 as Int64) { $0 << 8 | Int64($1) }
        let count = try reader.byte("addresses")
        guard count <= Self.addressesMax else { throw .addressInvalid }
        var addresses: [String] = []
        for _ in 0..<count { addresses.append(try reader.text("addresses")) }
        guard reader.rest.isEmpty else { throw .trailingBytes(count: reader.rest.count) }
        try self.init(
            federation: federation, authorityFingerprint: fingerprint, secret: secret, name: name, expiry: expiry,
            addresses: addresses)
    }

    private static func short(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count)] + Array(text.utf8)
    }

    /// Takes fields off the front of a token's bytes.
    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func byte(_ field: String) throws(TokenError) -> UInt8 {
            guard let byte = rest.popFirst() else { throw .truncated(field: field) }
            return byte
        }

        mutating func bytes(_ count: Int, _ field: String) throws(TokenError) -> ArraySlice<UInt8> {
            guard rest.count >= count else { throw .truncated(field: field) }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        /// Text behind a u8 length; what is not UTF-8 becomes characters that no name or address may hold.
        mutating func text(_ field: String) throws(TokenError) -> String {
            let count = Int(try byte(field))
            return String(decoding: try bytes(count, field), as: UTF8.self)
        }
    }
}

extension String {
    /// The text without spaces, tabs and line ends around it.
    fileprivate func trimmingWhitespace() -> Substring {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
