// SPDX-License-Identifier: MIT

import NIOCore

extension NetworkInterface {
    /// Lists the interfaces of a selection as they are now, each with its addresses in a fixed order.
    /// - Throws: ``DiscoveryError/noInterface(_:)`` or ``DiscoveryError/unknownInterface(_:)``, or what the system
    ///   says when it cannot list them.
    static func selected(_ selection: InterfaceSelection) throws -> [NetworkInterface] {
        let present = try usable()
        let selected: [NetworkInterface]
        switch selection {
        case .all:
            selected = present
        case .loopback:
            selected = present.filter(\.isLoopback)
        case .named(let names):
            selected = try names.map { name in
                guard let interface = present.first(where: { $0.name == name }) else {
                    throw DiscoveryError.unknownInterface(name)
                }
                return interface
            }
        }
        guard !selected.isEmpty else { throw DiscoveryError.noInterface(selection) }
        return selected
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
