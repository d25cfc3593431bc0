// SPDX-License-Identifier: MIT

/// Describes a link on which discovery runs: one address family of one interface.
struct NetworkLink: Hashable, Sendable {
    let id: LinkID
    /// The interface's name.
    let name: String
    let isLoopback: Bool
    /// The interface's own addresses, of both families.
    let addresses: [IPAddress]
    /// The networks of these addresses: who is in one of them is a neighbour.
    let networks: [IPNetwork]

    init(id: LinkID, name: String, isLoopback: Bool, addresses: [IPAddress], networks: [IPNetwork] = []) {
        self.id = id
        self.name = name
        self.isLoopback = isLoopback
        self.addresses = addresses
        self.networks = networks
    }

    /// Tells whether an address lies on the link (RFC 6762, section 11).
    func isNeighbour(_ address: IPAddress) -> Bool {
        address.family == id.family && (address.isLinkLocal || networks.contains { $0.contains(address) })
    }
}

/// Holds an address with the number of its leading bits that all addresses of its network share.
struct IPNetwork: Hashable, Sendable {
    var address: IPAddress
    var prefixBits: Int

    func contains(_ other: IPAddress) -> Bool {
        guard other.family == address.family else { return false }
        return zip(address.bytes, other.bytes).enumerated().allSatisfy { index, pair in
            let bits = min(max(prefixBits - index * 8, 0), 8)
            return (pair.0 ^ pair.1) & ~UInt8(truncatingIfNeeded: 0xFF >> bits) == 0
        }
    }
}
