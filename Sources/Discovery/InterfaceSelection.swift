// SPDX-License-Identifier: MIT

/// Chooses the network interfaces on which services are announced and sought.
public enum InterfaceSelection: Sendable, Hashable {
    /// Every interface with an IPv4 or IPv6 address that can multicast, and the loopback interface.
    case all
    /// The loopback interface alone: processes of this host, nothing leaves it.
    case loopback
    /// The interfaces with these names, such as `eth0`; each must exist.
    case named([String])
}
