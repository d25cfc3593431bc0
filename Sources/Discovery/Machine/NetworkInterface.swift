// SPDX-License-Identifier: MIT

/// Describes an interface on which discovery runs.
///
/// IPv6 addresses have their place here; until a socket of theirs exists, only IPv4 ones are advertised.
struct NetworkInterface: Hashable, Sendable {
    /// The most addresses advertised on one interface.
    static let addressesMax = 8

    /// The kernel's number of the interface.
    let index: Int
    let name: String
    let isLoopback: Bool
    /// The interface's own addresses, at least one of them IPv4.
    let addresses: [IPAddress]

    var ipv4: [IPAddress] { addresses.filter(\.isIPv4) }
}
