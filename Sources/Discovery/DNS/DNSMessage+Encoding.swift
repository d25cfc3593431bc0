// SPDX-License-Identifier: MIT

extension DNSMessage {
    /// Writes the message, with names compressed.
    func encoded() -> [UInt8] {
        var writer = DNSWriter()
        writer.write(id)
        // Every multicast answer is authoritative (RFC 6762, section 18.4).
        let role = isResponse ? HeaderFlags.response | HeaderFlags.authoritative : 0
        writer.write(role | (isTruncated ? HeaderFlags.truncated : 0))
        for count in [questions.count, answers.count, authorities.count, additionals.count] {
            writer.write(UInt16(count))
        }
        questions.forEach { writer.write($0) }
        for section in [answers, authorities, additionals] { section.forEach { writer.write($0) } }
        return writer.bytes
    }
}

/// Writes numbers, names and records, and remembers where names lie so that later ones can point there.
struct DNSWriter {
    private(set) var bytes: [UInt8] = []
    /// Where each sequence of labels written so far begins. The offsets fit the 14 bits of a pointer.
    private var offsets: [ArraySlice<UInt8>: Int] = [:]

    mutating func write(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func write(_ value: UInt32) {
        write(UInt16(truncatingIfNeeded: value >> 16))
        write(UInt16(truncatingIfNeeded: value))
    }

    /// Writes labels until the rest was written before, then a pointer to it (RFC 1035, section 4.1.4).
    mutating func write(_ name: DomainName) {
        var rest = name.wire[...]
        while let length = rest.first {
            if let offset = offsets[rest] { return write(0xC000 | UInt16(offset)) }
            if bytes.count <= 0x3FFF { offsets[rest] = bytes.count }
            bytes.append(contentsOf: rest.prefix(1 + Int(length)))
            rest = rest.dropFirst(1 + Int(length))
        }
        bytes.append(0)
    }

    mutating func write(_ question: DNSQuestion) {
        write(question.name)
        write(question.type.rawValue)
        write(RecordClass.internet | (question.wantsUnicast ? RecordClass.topBit : 0))
    }

    mutating func write(_ record: ResourceRecord) {
        write(record.name)
        write(record.type.rawValue)
        write(RecordClass.internet | (record.flushesCache ? RecordClass.topBit : 0))
        write(record.ttlSeconds)
        let lengthOffset = bytes.count
        write(UInt16(0))
        write(record.data)
        let length = bytes.count - lengthOffset - 2
        bytes[lengthOffset] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[lengthOffset + 1] = UInt8(truncatingIfNeeded: length)
    }

    mutating func write(_ data: RecordData) {
        switch data {
        case .a(let address), .aaaa(let address): bytes.append(contentsOf: address.bytes)
        case .nsec(let next, let types):
            write(next)
            writeTypeBitmaps(types)
        case .other(_, let raw): bytes.append(contentsOf: raw)
        case .ptr(let name): write(name)
        case .srv(let priority, let weight, let port, let target):
            for value in [priority, weight, port] { write(value) }
            write(target)
        case .txt(let strings):
            for string in strings.isEmpty ? [[]] : strings {
                bytes.append(UInt8(string.count))
                bytes.append(contentsOf: string)
            }
        }
    }

    /// Writes one bitmap per window of 256 types that has any (RFC 4034, section 4.1.2).
    private mutating func writeTypeBitmaps(_ types: [RecordType]) {
        for (window, members) in Dictionary(grouping: types, by: { $0.rawValue >> 8 }).sorted(by: { $0.key < $1.key }) {
            var bitmap = [UInt8](repeating: 0, count: 32)
            for low in members.map({ Int($0.rawValue & 0xFF) }) { bitmap[low >> 3] |= 0x80 >> UInt8(low & 7) }
            let used = (bitmap.lastIndex { $0 != 0 } ?? 0) + 1
            bytes.append(contentsOf: [UInt8(window), UInt8(used)] + bitmap.prefix(used))
        }
    }

    /// Gives the data of a record as it compares in a tie between probers: names uncompressed (RFC 6762,
    /// section 8.2).
    static func canonicalBytes(of data: RecordData) -> [UInt8] {
        switch data {
        case .ptr(let name): name.wire + [0]
        case .srv(let priority, let weight, let port, let target):
            [priority, weight, port].flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
                + target.wire + [0]
        default:
            {
                var writer = DNSWriter()
                writer.write(data)
                return writer.bytes
            }()
        }
    }
}
