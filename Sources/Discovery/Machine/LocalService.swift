// SPDX-License-Identifier: MIT

/// Knows the records of the one instance that this process announces.
struct LocalService: Sendable {
    /// The most addresses of one family announced on a link.
    static let addressesMax = 8

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

    /// The records of one kind as they hold on `link`; none of an address family that the link's interface has not.
    func records(_ kind: OwnRecord, on link: NetworkLink) -> [ResourceRecord] {
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
        case .ipv4Address:
            return addresses(.ipv4, on: link).map {
                ResourceRecord(name: host, flushesCache: true, ttlSeconds: short, data: .a($0))
            }
        case .ipv6Address:
            return addresses(.ipv6, on: link).map {
                ResourceRecord(name: host, flushesCache: true, ttlSeconds: short, data: .aaaa($0))
            }
        case .instanceTypes:
            let data = RecordData.nsec(next: instance, types: [.txt, .srv])
            return [ResourceRecord(name: instance, flushesCache: true, ttlSeconds: long, data: data)]
        case .hostTypes:
            let data = RecordData.nsec(next: host, types: addressTypes(on: link))
            return [ResourceRecord(name: host, flushesCache: true, ttlSeconds: short, data: data)]
        }
    }

    /// The kinds of record that answer a question on `link`: what there is, or that it does not exist (RFC 6762,
    /// section 6.1).
    func kinds(answering question: DNSQuestion, on link: NetworkLink) -> [OwnRecord] {
        let type = question.type
        switch question.name {
        case ServiceNames.enumeration: return type.asks(for: .ptr) ? [.enumeration] : []
        case ServiceNames.type: return type.asks(for: .ptr) ? [.pointer] : []
        case instance:
            let kinds = (type.asks(for: .srv) ? [.service] : []) + (type.asks(for: .txt) ? [OwnRecord.text] : [])
            return kinds.isEmpty ? [.instanceTypes] : kinds
        case host:
            let types = addressTypes(on: link).filter { type.asks(for: $0) }
            return types.isEmpty ? [.hostTypes] : types.map { $0 == .a ? .ipv4Address : .ipv6Address }
        default: return []
        }
    }

    /// What a querier will want next (RFC 6763, section 12): among it, with the addresses of the only family that there is,
    /// that there is no other (RFC 6762, section 6.2).
    func companions(of kind: OwnRecord, on link: NetworkLink) -> [OwnRecord] {
        let isSingle = addressTypes(on: link).count == 1
        let addresses: [OwnRecord] = [.ipv4Address, .ipv6Address] + (isSingle ? [.hostTypes] : [])
        return switch kind {
        case .pointer: [.service, .text] + addresses
        case .service, .ipv4Address, .ipv6Address: addresses
        case .enumeration, .text, .instanceTypes, .hostTypes: []
        }
    }

    /// Tells whether there is anything to announce on a link: an address to dial.
    func isReachable(on link: NetworkLink) -> Bool { !addressTypes(on: link).isEmpty }

    private func addressTypes(on link: NetworkLink) -> [RecordType] {
        (addresses(.ipv4, on: link).isEmpty ? [] : [.a]) + (addresses(.ipv6, on: link).isEmpty ? [] : [.aaaa])
    }

    /// The addresses of one family that are announced on a link: those at which the process can be dialled. Addresses that
    /// need an interface are for links that have no others, of either family.
    private func addresses(_ family: AddressFamily, on link: NetworkLink) -> [IPAddress] {
        let own = link.addresses.filter { $0.isDiallable && advertisement.isReachable(at: $0) }
        let hasOthers = own.contains { !$0.needsInterface }
        return Array(own.filter { $0.family == family && !($0.needsInterface && hasOthers) }.prefix(Self.addressesMax))
    }
}

/// Lists the kinds of record that a process has of its own; on each link there is at most one set of each.
enum OwnRecord: CaseIterable, Hashable, Sendable {
    case enumeration, pointer, service, text, ipv4Address, ipv6Address, instanceTypes, hostTypes

    /// Others may have records of the same name and type, so that answers are spread in time (RFC 6762, section 6).
    var isShared: Bool { self == .enumeration || self == .pointer }

    /// What is announced without being asked for.
    static let announced: [OwnRecord] = [.enumeration, .pointer, .service, .text, .ipv4Address, .ipv6Address]
    /// What is withdrawn; the type of service is that of others too.
    static let withdrawn = announced.filter { $0 != .enumeration }
    /// What a probe claims (RFC 6762, section 8.2).
    static let claimed: [OwnRecord] = [.service, .text, .ipv4Address, .ipv6Address]
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// All digits of the number in lowercase hexadecimal.
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: Self.bitWidth / 4 - digits.count) + digits
    }
}
