// SPDX-License-Identifier: MIT

/// Says whether a link speaks IPv4 or IPv6; each has its own multicast group (RFC 6762, section 3).
enum AddressFamily: Int, Hashable, Sendable, CaseIterable {
    case ipv4 = 4
    case ipv6 = 6
}

/// Names a link: an interface and one of its address families.
///
/// The two families of an interface are links of their own, with questions, answers and caches apart: a neighbour may
/// speak only one of them, and what was asked or answered over the other did not reach it.
struct LinkID: Hashable, Sendable {
    /// The kernel's number of the interface.
    var interface: Int
    var family: AddressFamily
}

extension LinkID: Comparable {
    static func < (left: LinkID, right: LinkID) -> Bool {
        (left.interface, left.family.rawValue) < (right.interface, right.family.rawValue)
    }
}
