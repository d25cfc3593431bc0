// SPDX-License-Identifier: MIT

/// Holds one DNS message as multicast DNS uses it (RFC 1035, section 4.1, with RFC 6762, section 18).
struct DNSMessage: Hashable, Sendable {
    /// The longest message read (RFC 6762, section 17).
    static let bytesMax = 9000
    /// The longest message written: an Ethernet packet less IPv6 and UDP headers, rounded down.
    static let sentBytesMax = 1440
    /// The longest message that every resolver reads (RFC 1035, section 4.2.1).
    static let unicastBytesMax = 512
    /// The most questions and records, taken together, that are read from one message.
    static let entriesMax = 512

    var id: UInt16 = 0
    var isResponse = false
    /// In a query: more known answers follow in another message (RFC 6762, section 7.2).
    var isTruncated = false
    var questions: [DNSQuestion] = []
    var answers: [ResourceRecord] = []
    /// In a query: what a prober is about to claim (RFC 6762, section 8.2).
    var authorities: [ResourceRecord] = []
    var additionals: [ResourceRecord] = []
}

/// The bits of the third and fourth header byte (RFC 1035, section 4.1.1).
enum HeaderFlags {
    static let response: UInt16 = 0x8000
    static let opcode: UInt16 = 0x7800
    static let authoritative: UInt16 = 0x0400
    static let truncated: UInt16 = 0x0200
    static let responseCode: UInt16 = 0x000F
}

/// The class field and its top bit, which multicast DNS borrows (RFC 6762, sections 18.12 and 18.13).
enum RecordClass {
    static let internet: UInt16 = 1
    static let any: UInt16 = 255
    static let topBit: UInt16 = 0x8000
}
