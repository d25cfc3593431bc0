// SPDX-License-Identifier: MIT

/// Says why discovery cannot start.
public enum DiscoveryError: Error, Equatable {
    /// ``DiscoveryService/start()`` was called a second time.
    case alreadyStarted
    /// No interface of the selection has an address and can multicast.
    case noInterface(InterfaceSelection)
    /// Another program holds UDP port 5353 without sharing it.
    case portHeld(interface: String)
    /// The system refused the socket of an interface; `reason` is its error.
    case socket(interface: String, reason: String)
    /// The selection names an interface that does not exist or has no address.
    case unknownInterface(String)
}

extension DiscoveryError: CustomStringConvertible {
    /// Explains in one line what happened and what to do.
    public var description: String {
        switch self {
        case .alreadyStarted:
            "discovery was already started"
        case .noInterface(let selection):
            "no network interface for discovery (\(selection)): bring one up, or give the coordinator's address"
        case .portHeld(let interface):
            "UDP port 5353 on \(interface) is held by a program that does not share it; if that is Avahi, set "
                + "disallow-other-stacks=no in avahi-daemon.conf and restart it, or give the coordinator's address"
        case .socket(let interface, let reason):
            "no multicast socket on \(interface): \(reason)"
        case .unknownInterface(let name):
            "no network interface \(name) that is up and has an address"
        }
    }
}
