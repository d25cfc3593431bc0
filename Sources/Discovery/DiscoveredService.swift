// SPDX-License-Identifier: MIT

/// Describes a service instance that answered on the local network.
///
/// Every field comes from unauthenticated datagrams: it is a hint where to dial, never an identity
/// (protocol, section 3). Lengths and characters are those of ``ServiceAdvertisement``.
public struct DiscoveredService: Sendable, Hashable {
    /// Names the instance on the network, unique among those present: 1…63 bytes.
    public let instance: String
    /// Names the federation that the instance claims to belong to.
    public let federation: String
    /// Says what the instance claims to be.
    public let role: ServiceRole
    /// Gives the claimed identifier in lowercase hexadecimal.
    public let id: String
    /// Gives the claimed protocol version.
    public let version: String
    /// Gives the host name of the process, such as `summand-0badcafe.local`.
    public let host: String
    /// Lists numeric addresses, loopback first, then IPv4, then IPv6; at least one, at most 16. Link-local addresses of IPv6 stand
    /// there only where there are no others, and name the interface on which they hold, as in `fe80::1%eth0`.
    public let addresses: [String]
    /// The TCP port to dial, never 0.
    public let port: UInt16

    /// Assembles a description, for callers that learn of a service in another way.
    public init(
        instance: String, federation: String, role: ServiceRole, id: String, version: String, host: String,
        addresses: [String], port: UInt16
    ) {
        self.instance = instance
        self.federation = federation
        self.role = role
        self.id = id
        self.version = version
        self.host = host
        self.addresses = addresses
        self.port = port
    }
}
