// SPDX-License-Identifier: MIT

/// Knows the records of the one instance that this process announces.
struct LocalService: Sendable {
    let advertisement: ServiceAdvertisement
    private let instanceBase: String
    private let hostBase: String
    private var instanceAttempt = 1
    private var hostAttempt = 1

    /// Draws names that no other process is likely to have.
    init(_ advertisement: ServiceAdvertisement, using generator: inout some RandomNumberGenerator) {
        self.advertisement = advertisement
        let suffix = UInt16.random(in: .min ... .max, using: &generator)
        instanceBase = "\(advertisement.role.rawValue)-\(advertisement.id.prefix(8))-\(suffix.hexadecimal)"
        hostBase = "summand-\(UInt32.random(in: .min ... .max, using: &generator).hexadecimal)"
    }

    /// The instance's label: the drawn name, then "name (2)" and so on (RFC 6762, section 9).
    var instanceLabel: String { instanceAttempt == 1 ? instanceBase : "\(instanceBase) (\(instanceAttempt))" }
    var hostLabel: String { hostAttempt == 1 ? hostBase : "\(hostBase)-\(hostAttempt)" }

    /// The full names. Their labels have at most 45 bytes: 11 + 1 + 8 + 1 + 4 and an attempt in parentheses.
    var instance: DomainName { DomainName(known: instanceLabel, "_smpc", "_tcp", "local") }
    var host: DomainName { DomainName(known: hostLabel, "local") }

    mutating func renameInstance() { instanceAttempt += 1 }
    mutating func renameHost() { hostAttempt += 1 }

    /// The TXT strings, the version first (RFC 6763, section 6.7).
    var text: [[UInt8]] {
        [
            "v=\(advertisement.version)", "fed=\(advertisement.federation)", "role=\(advertisement.role.rawValue)",
            "id=\(advertisement.id)",
        ].map { Array($0.utf8) }
    }

    /// The records of one kind as they hold on `interface`.
    func records(_ kind: OwnRecord, on interface: NetworkInterface) -> [ResourceRecord] {
        let long = ServiceNames.otherTTLSeconds
        let short = ServiceNames.hostTTLSeconds
        switch kind {
        case .enumeration:
            return [ResourceRecord(name: ServiceNames.enumeration, ttlSeconds: long, data: .ptr(ServiceNames.type))]
        case .pointer:
            return [ResourceRecord(name: ServiceNames.type, ttlSeconds: long, data: .ptr(instance))]
        case .service:
            let data = RecordData.srv(priority: 0, weight: 0, port: advertisement.port, target: host)
            return [ResourceRecord(name: instance, flushesCache: true, ttlSeconds: short, data: data)]
        case .text:
            return [ResourceRecord(name: instance, flushesCache: true, ttlSeconds: long, data: .txt(text))]
        case .address:
            return interface.ipv4.prefix(NetworkInterface.addressesMax).map {
                ResourceRecord(name: host, flushesCache: true, ttlSeconds: short, data: .a($0))
            }
        case .instanceTypes:
            let data = RecordData.nsec(next: instance, types: [.txt, .srv])
            return [ResourceRecord(name: instance, flushesCache: true, ttlSeconds: long, data: data)]
        case .hostTypes:
            let data = RecordData.nsec(next: host, types: [.a])
            return [ResourceRecord(name: host, flushesCache: true, ttlSeconds: short, data: data)]
        }
    }

    /// The kinds of record that answer a question.
    func kinds(answering question: DNSQuestion) -> [OwnRecord] {
        let type = question.type
        switch question.name {
        case ServiceNames.enumeration: return type.asks(for: .ptr) ? [.enumeration] : []
        case ServiceNames.type: return type.asks(for: .ptr) ? [.pointer] : []
        case instance:
            let kinds = (type.asks(for: .srv) ? [.service] : []) + (type.asks(for: .txt) ? [OwnRecord.text] : [])
            return kinds.isEmpty ? [.instanceTypes] : kinds
        case host: return type.asks(for: .a) ? [.address] : [.hostTypes]
        default: return []
        }
    }
}

/// Lists the kinds of record that a process has of its own; on each interface there is at most one set of each.
enum OwnRecord: CaseIterable, Hashable, Sendable {
    case enumeration, pointer, service, text, address, instanceTypes, hostTypes

    /// Others may have records of the same name and type, so that answers are spread in time (RFC 6762, section 6).
    var isShared: Bool { self == .enumeration || self == .pointer }

    /// What is announced and withdrawn without being asked for.
    static let announced: [OwnRecord] = [.enumeration, .pointer, .service, .text, .address]
    /// What a probe claims (RFC 6762, section 8.2).
    static let claimed: [OwnRecord] = [.service, .text, .address]

    /// What a querier will want next (RFC 6763, section 12).
    var companions: [OwnRecord] {
        switch self {
        case .pointer: [.service, .text, .address]
        case .service: [.address]
        default: []
        }
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// All digits of the number in lowercase hexadecimal.
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: Self.bitWidth / 4 - digits.count) + digits
    }
}
