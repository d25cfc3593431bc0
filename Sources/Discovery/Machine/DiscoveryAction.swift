// SPDX-License-Identifier: MIT

/// Lists what the machines ask of the shell.
enum DiscoveryAction: Hashable, Sendable {
    /// Tell the program.
    case report(DiscoveryEvent)
    /// Send the message to one resolver on the link.
    case reply(DNSMessage, to: DatagramSource, link: LinkID)
    /// Multicast the message on the link.
    case send(DNSMessage, link: LinkID)
}

/// Says who sent a datagram.
struct DatagramSource: Hashable, Sendable {
    var address: IPAddress
    var port: UInt16
}

/// Counts what was heard and set aside.
public struct DiscoveryCounters: Sendable, Hashable {
    /// Datagrams that are no DNS message, or none that multicast DNS admits.
    public internal(set) var malformed = 0
    /// Messages from another port than 5353 that were not answered: false answers, or queries that concern others.
    public internal(set) var foreignPort = 0
    /// Records of our service type whose content no Summand process announces.
    public internal(set) var unusable = 0
    /// Records that found the cache full.
    public internal(set) var overflow = 0
}
