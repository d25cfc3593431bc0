// SPDX-License-Identifier: MIT

/// Holds what a record says about its name, by type.
enum RecordData: Hashable, Sendable {
    /// An IPv4 address, 4 bytes (RFC 1035, section 3.4.1).
    case a(IPAddress)
    /// An IPv6 address, 16 bytes (RFC 3596, section 2.2).
    case aaaa(IPAddress)
    /// The types that exist for a name, ascending, which denies all others (RFC 6762, section 6.1).
    case nsec(next: DomainName, types: [RecordType])
    /// A type that this module does not read; compressed names inside are not followed.
    case other(type: RecordType, bytes: [UInt8])
    /// A pointer to another name (RFC 1035, section 3.3.12).
    case ptr(DomainName)
    /// Where a service instance listens (RFC 2782).
    case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName)
    /// Strings of at most 255 bytes each (RFC 1035, section 3.3.14); never an empty list.
    case txt([[UInt8]])

    var type: RecordType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .nsec: .nsec
        case .other(let type, _): type
        case .ptr: .ptr
        case .srv: .srv
        case .txt: .txt
        }
    }
}

/// Holds one resource record of class IN.
struct ResourceRecord: Hashable, Sendable {
    var name: DomainName
    /// Tells receivers to drop what they knew of the name and type (RFC 6762, section 10.2).
    var flushesCache = false
    /// How long the record may be kept; 0 withdraws it (RFC 6762, section 10.1).
    var ttlSeconds: UInt32
    var data: RecordData

    var type: RecordType { data.type }

    /// Tells whether the two say the same about the same name, whatever their lives and flags.
    func isSame(as other: ResourceRecord) -> Bool { data == other.data && name == other.name }
}

/// Holds one question of class IN.
struct DNSQuestion: Hashable, Sendable {
    var name: DomainName
    var type: RecordType
    /// Asks for a unicast answer (RFC 6762, section 5.4); read from others, never set by this module, because a
    /// unicast answer reaches only one of the processes that share the port.
    var wantsUnicast = false
}
