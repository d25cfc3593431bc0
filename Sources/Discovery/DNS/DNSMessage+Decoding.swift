// SPDX-License-Identifier: MIT

extension DNSMessage {
    /// Reads a message; questions and records of another class than IN (or ANY, in a question) are left out, bytes
    /// after the last record are ignored.
    /// - Throws: ``InvalidDNSMessage`` saying where the bytes stop making sense.
    init(decoding bytes: [UInt8]) throws(InvalidDNSMessage) {
        guard bytes.count <= Self.bytesMax else { throw .messageTooLong(bytes: bytes.count) }
        var reader = DNSReader(bytes)
        id = try reader.readUInt16()
        let flags = try reader.readUInt16()
        guard flags & HeaderFlags.opcode == 0 else { throw .opcode((flags & HeaderFlags.opcode) >> 11) }
        guard flags & HeaderFlags.responseCode == 0 else { throw .responseCode(flags & HeaderFlags.responseCode) }
        isResponse = flags & HeaderFlags.response != 0
        isTruncated = flags & HeaderFlags.truncated != 0
        let questionCount = Int(try reader.readUInt16())
        let answerCount = Int(try reader.readUInt16())
        let authorityCount = Int(try reader.readUInt16())
        let additionalCount = Int(try reader.readUInt16())
        let entries = questionCount + answerCount + authorityCount + additionalCount
        guard entries <= Self.entriesMax else { throw .tooManyEntries(entries) }
        for _ in 0..<questionCount {
            if let question = try reader.readQuestion() { questions.append(question) }
        }
        answers = try reader.readRecords(answerCount)
        authorities = try reader.readRecords(authorityCount)
        additionals = try reader.readRecords(additionalCount)
    }
}

extension DNSReader {
    /// Reads a question; nil where its class is neither IN nor ANY.
    fileprivate mutating func readQuestion() throws(InvalidDNSMessage) -> DNSQuestion? {
        let name = try readName()
        let type = RecordType(rawValue: try readUInt16())
        let classField = try readUInt16()
        let plainClass = classField & ~RecordClass.topBit
        guard plainClass == RecordClass.internet || plainClass == RecordClass.any else { return nil }
        return DNSQuestion(name: name, type: type, wantsUnicast: classField & RecordClass.topBit != 0)
    }

    fileprivate mutating func readRecords(_ count: Int) throws(InvalidDNSMessage) -> [ResourceRecord] {
        var records: [ResourceRecord] = []
        for _ in 0..<count {
            if let record = try readRecord() { records.append(record) }
        }
        return records
    }

    /// Reads a record; nil where its class is not IN, as with the OPT record of EDNS, or where it is an NSEC record that
    /// cannot be read: python-zeroconf before 0.48 sends such along with records that are wanted.
    private mutating func readRecord() throws(InvalidDNSMessage) -> ResourceRecord? {
        let name = try readName()
        let type = RecordType(rawValue: try readUInt16())
        let classField = try readUInt16()
        let ttlSeconds = try readUInt32()
        let length = Int(try readUInt16())
        guard classField & ~RecordClass.topBit == RecordClass.internet else {
            _ = try readBytes(length)
            return nil
        }
        let start = position
        guard length <= bytes.count - start else { throw .truncated(offset: start, needed: length) }
        if type == .nsec, !canReadNSEC(length: length) {
            _ = try readBytes(length)
            return nil
        }
        let data = try readData(of: type, length: length)
        guard position == start + length else { throw .recordData(type: type, offset: start) }
        return ResourceRecord(
            name: name, flushesCache: classField & RecordClass.topBit != 0,
            // RFC 2181, section 8: a time to live with its top bit set counts as zero.
            ttlSeconds: ttlSeconds > UInt32(Int32.max) ? 0 : ttlSeconds, data: data)
    }

    private func canReadNSEC(length: Int) -> Bool {
        var attempt = self
        return (try? attempt.readData(of: .nsec, length: length)) != nil && attempt.position == position + length
    }

    /// Reads record data; the caller checks that exactly `length` bytes were used.
    private mutating func readData(of type: RecordType, length: Int) throws(InvalidDNSMessage) -> RecordData {
        let start = position
        switch type {
        case .a, .aaaa:
            guard length == (type == .a ? 4 : 16), let address = IPAddress(bytes: try readBytes(length)) else {
                throw .recordData(type: type, offset: start)
            }
            return type == .a ? .a(address) : .aaaa(address)
        case .ptr:
            return .ptr(try readName())
        case .srv:
            let priority = try readUInt16()
            let weight = try readUInt16()
            let port = try readUInt16()
            return .srv(priority: priority, weight: weight, port: port, target: try readName())
        case .txt:
            return .txt(try readStrings(length: length))
        case .nsec:
            let next = try readName()
            return .nsec(next: next, types: try readTypeBitmaps(end: start + length))
        default:
            return .other(type: type, bytes: try readBytes(length))
        }
    }

    /// Reads the strings of a TXT record; no bytes at all count as one empty string (RFC 6763, section 6.1).
    private mutating func readStrings(length: Int) throws(InvalidDNSMessage) -> [[UInt8]] {
        let start = position
        var strings: [[UInt8]] = []
        while position < start + length {
            let count = Int(try readUInt8())
            guard position + count <= start + length else { throw .recordData(type: .txt, offset: start) }
            strings.append(try readBytes(count))
        }
        return strings.isEmpty ? [[]] : strings
    }

    /// Reads the type bitmaps of an NSEC record (RFC 4034, section 4.1.2).
    private mutating func readTypeBitmaps(end: Int) throws(InvalidDNSMessage) -> [RecordType] {
        let start = position
        var types: [RecordType] = []
        var lastWindow = -1
        while position < end {
            let window = Int(try readUInt8())
            let count = Int(try readUInt8())
            guard window > lastWindow, (1...32).contains(count), position + count <= end else {
                throw .recordData(type: .nsec, offset: start)
            }
            lastWindow = window
            for (index, byte) in try readBytes(count).enumerated() {
                for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
                    types.append(RecordType(rawValue: UInt16(window << 8 | index << 3 | bit)))
                }
            }
        }
        return types
    }
}
