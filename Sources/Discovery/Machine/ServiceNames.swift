// SPDX-License-Identifier: MIT

/// Names what every instance shares, and the times that records live (RFC 6762, section 10).
enum ServiceNames {
    /// The type of Summand's services (RFC 6763, section 7).
    static let type = DomainName(known: "_smpc", "_tcp", "local")
    /// The name under which the types present on a network are listed (RFC 6763, section 9).
    static let enumeration = DomainName(known: "_services", "_dns-sd", "_udp", "local")
    /// The life of records with or about host names.
    static let hostTTLSeconds: UInt32 = 120
    /// The life of all other records.
    static let otherTTLSeconds: UInt32 = 4500
    /// The longest life in an answer to a resolver that knows nothing of multicast (RFC 6762, section 6.7).
    static let unicastTTLSecondsMax: UInt32 = 10

    static func instance(_ label: String) -> DomainName? { DomainName(labels: [label, "_smpc", "_tcp", "local"]) }
    static func host(_ label: String) -> DomainName? { DomainName(labels: [label, "local"]) }
}
