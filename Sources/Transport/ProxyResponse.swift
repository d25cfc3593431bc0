// SPDX-License-Identifier: MIT

/// Reads a proxy's answer to CONNECT as it comes, up to the end of its header (RFC 9112; RFC 9110, section 9.3.6).
///
/// Of a success everything behind the status is passed over, lengths included: a tunnel begins at the empty line.
struct ProxyResponse {
    /// The most bytes of the header, interim answers (1xx) included.
    static let bytesMax = 8_192
    /// The most authentication schemes that an error names.
    private static let schemesMax = 4

    private var header: [UInt8] = []
    private let hadCredentials: Bool

    init(hadCredentials: Bool) { self.hadCredentials = hadCredentials }

    /// Takes bytes; returns those behind the header once there is a tunnel, nil when more are needed.
    mutating func receive(_ bytes: [UInt8]) throws(ProxyError) -> [UInt8]? {
        for (index, byte) in bytes.enumerated() {
            header.append(byte)
            guard header.count <= Self.bytesMax else { throw .responseTooLong(maximum: Self.bytesMax) }
            guard byte == UInt8(ascii: "\n"), isComplete else { continue }
            let (status, schemes) = try parse()
            switch status {
            case 100...199 where status != 101: interim += header.count
            case 200...299: return Array(bytes[(index + 1)...])
            case 407: throw .authenticationFailed(schemes: schemes, hadCredentials: hadCredentials)
            default: throw .refused(status: status)
            }
            header.removeAll()
            guard interim <= Self.bytesMax else { throw .responseTooLong(maximum: Self.bytesMax) }
        }
        // What is no status line is told before all of it is waited for.
        guard header.prefix(Self.version.count).elementsEqual(Self.version.prefix(header.count)) else {
            throw .invalidResponse
        }
        return nil
    }

    private static let version = Array("HTTP/1.".utf8)
    /// The bytes of interim answers so far.
    private var interim = 0

    /// Whether the header ends here: with an empty line, its lines ended by CR LF or by LF alone (RFC 9112, section 2.2).
    private var isComplete: Bool {
        header.suffix(2).elementsEqual("\n\n".utf8) || header.suffix(3).elementsEqual("\n\r\n".utf8)
    }

    /// Reads the status and, of a 407, the schemes offered.
    private func parse() throws(ProxyError) -> (status: Int, schemes: [String]) {
        let lines = header.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        guard let first = lines.first, first.count >= 12, first.starts(with: Self.version) else {
            throw .invalidResponse
        }
        // HTTP/1.x, a space, three digits, then nothing or a space.
        let digits = Array(first.dropFirst(9).prefix(3))
        let behind = first.dropFirst(12).first
        guard Self.isDigit(first[first.startIndex + 7]), first[first.startIndex + 8] == UInt8(ascii: " "),
            digits.allSatisfy(Self.isDigit), behind == nil || behind == UInt8(ascii: " ")
        else { throw .invalidResponse }
        let status = digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
        guard (100...599).contains(status) else { throw .invalidResponse }
        return (status, Array(lines.dropFirst().compactMap(Self.scheme).prefix(Self.schemesMax)))
    }

    /// The first word of a `Proxy-Authenticate` line, in small letters; nil of any other line.
    private static func scheme(_ line: ArraySlice<UInt8>) -> String? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            String(decoding: line[..<colon], as: UTF8.self).lowercased() == "proxy-authenticate"
        else { return nil }
        let value = line[(colon + 1)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let word = value.prefix { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        guard (1...32).contains(word.count) else { return nil }
        return String(decoding: word, as: UTF8.self).lowercased()
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
