// SPDX-License-Identifier: MIT

import NIOCore

extension NetworkInterface {
    /// Lists the interfaces of a selection, and demands that it has any and that none is lacking.
    /// - Throws: ``DiscoveryError/noInterface(_:)`` or ``DiscoveryError/unknownInterface(_:)``, or what the system
    ///   says when it cannot list them.
    static func selected(_ selection: InterfaceSelection) throws -> [NetworkInterface] {
        let present = try present(selection)
        if case .named(let names) = selection,
            let lacking = names.first(where: { name in !present.contains { $0.name == name } })
        {
            throw DiscoveryError.unknownInterface(lacking)
        }
        guard !present.isEmpty else { throw DiscoveryError.noInterface(selection) }
        return present
    }

    /// Lists those interfaces of a selection that exist now, each with its addresses in a fixed order.
    static func present(_ selection: InterfaceSelection) throws -> [NetworkInterface] {
        try usable().filter { interface in
            switch selection {
            case .all: true
            case .loopback: interface.isLoopback
            case .named(let names): names.contains(interface.name)
            }
        }
    }

    /// Lists the interfaces with an IPv4 address that can multicast; loopback can, though it does not say so.
    private static func usable() throws -> [NetworkInterface] {
        var addresses: [Int: Set<IPAddress>] = [:]
        var names: [Int: String] = [:]
        for device in try System.enumerateDevices() {
            guard let address = device.address.flatMap(IPAddress.init) else { continue }
            guard device.multicastSupported || address.isLoopback else { continue }
            addresses[device.interfaceIndex, default: []].insert(address)
            names[device.interfaceIndex] = device.name
        }
        return addresses.sorted { $0.key < $1.key }.compactMap { index, addresses in
            guard let name = names[index], addresses.contains(where: \.isIPv4) else { return nil }
            return NetworkInterface(
                index: index, name: name, isLoopback: addresses.contains(where: \.isLoopback),
                addresses: addresses.sorted())
        }
    }
}
