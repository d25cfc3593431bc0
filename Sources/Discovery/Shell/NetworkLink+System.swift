// SPDX-License-Identifier: MIT

import NIOCore

extension NetworkLink {
    /// Lists the links of a selection, and demands that it has any and that none of its interfaces is lacking.
    /// - Throws: ``DiscoveryError/noInterface(_:)`` or ``DiscoveryError/unknownInterface(_:)``, or what the system
    ///   says when it cannot list them.
    static func selected(_ selection: InterfaceSelection) throws -> [NetworkLink] {
        let present = try present(selection)
        if case .named(let names) = selection,
            let lacking = names.first(where: { name in !present.contains { $0.name == name } })
        {
            throw DiscoveryError.unknownInterface(lacking)
        }
        guard !present.isEmpty else { throw DiscoveryError.noInterface(selection) }
        return present
    }

    /// Lists those links of a selection that exist now, each with its addresses in a fixed order.
    static func present(_ selection: InterfaceSelection) throws -> [NetworkLink] {
        try usable().filter { link in
            switch selection {
            case .all: true
            case .loopback: link.isLoopback
            case .named(let names): names.contains(link.name)
            }
        }
    }

    /// Lists the address families of the interfaces that can multicast; loopback can, though it does not say so, but for
    /// IPv4 only.
    private static func usable() throws -> [NetworkLink] {
        var networks: [Int: Set<IPNetwork>] = [:]
        var names: [Int: String] = [:]
        for device in try System.enumerateDevices() {
            guard let address = device.address.flatMap(IPAddress.init) else { continue }
            guard device.multicastSupported || address.isLoopback else { continue }
            let mask = device.netmask.flatMap(IPAddress.init)
            let prefixBits = mask?.bytes.reduce(0) { $0 + $1.nonzeroBitCount } ?? address.bytes.count * 8
            networks[device.interfaceIndex, default: []].insert(IPNetwork(address: address, prefixBits: prefixBits))
            names[device.interfaceIndex] = device.name
        }
        return networks.sorted { $0.key < $1.key }.flatMap { index, networks in
            let addresses = Set(networks.map(\.address)).sorted()
            let isLoopback = addresses.contains(where: \.isLoopback)
            return AddressFamily.allCases.filter { family in
                addresses.contains { $0.family == family } && (family == .ipv4 || !isLoopback)
            }.map { family in
                NetworkLink(
                    id: LinkID(interface: index, family: family), name: names[index] ?? "", isLoopback: isLoopback,
                    addresses: addresses,
                    networks: networks.sorted { ($0.address, $0.prefixBits) < ($1.address, $1.prefixBits) })
            }
        }
    }
}
