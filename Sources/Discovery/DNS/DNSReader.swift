// SPDX-License-Identifier: MIT

/// Reads numbers and names from a message, front to back.
struct DNSReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readUInt8() throws(InvalidDNSMessage) -> UInt8 {
        try need(1, at: position)
        defer { position += 1 }
        return bytes[position]
    }

    mutating func readUInt16() throws(InvalidDNSMessage) -> UInt16 {
        try need(2, at: position)
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func readUInt32() throws(InvalidDNSMessage) -> UInt32 {
        let high = try readUInt16()
        return UInt32(high) << 16 | UInt32(try readUInt16())
    }

    mutating func readBytes(_ count: Int) throws(InvalidDNSMessage) -> [UInt8] {
        try need(count, at: position)
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    /// Reads a name and follows its compression pointers (RFC 1035, section 4.1.4).
    ///
    /// Each pointer must lead to before the run of labels that it ends, so the starts of the runs strictly fall and
    /// the loop ends; the 255-byte limit bounds what it collects.
    mutating func readName() throws(InvalidDNSMessage) -> DomainName {
        let start = position
        var wire: [UInt8] = []
        var cursor = position
        var runStart = position
        var end: Int?
        while true {
            try need(1, at: cursor)
            let length = bytes[cursor]
            switch length & 0xC0 {
            case 0x00 where length == 0:
                position = end ?? cursor + 1
                return DomainName(checkedWire: wire)
            case 0x00:
                let next = cursor + 1 + Int(length)
                try need(Int(length), at: cursor + 1)
                guard wire.count + 1 + Int(length) < DomainName.encodedBytesMax else {
                    throw .nameTooLong(offset: start)
                }
                wire.append(contentsOf: bytes[cursor..<next])
                cursor = next
            case 0xC0:
                try need(2, at: cursor)
                let target = Int(length & 0x3F) << 8 | Int(bytes[cursor + 1])
                guard target < runStart else { throw .pointerNotBackwards(offset: cursor, target: target) }
                end = end ?? cursor + 2
                cursor = target
                runStart = target
            default:
                throw .labelForm(offset: cursor, byte: length)
            }
        }
    }

    private func need(_ count: Int, at offset: Int) throws(InvalidDNSMessage) {
        guard count <= bytes.count - offset else { throw .truncated(offset: offset, needed: count) }
    }
}
