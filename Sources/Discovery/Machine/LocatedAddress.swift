// SPDX-License-Identifier: MIT

/// An address, and the interface through which it is reached where it means nothing without (RFC 4007).
struct LocatedAddress: Hashable, Sendable {
    let address: IPAddress
    /// The interface's name; nil for an address that holds everywhere.
    let interface: String?
}

extension LocatedAddress: Comparable {
    /// Orders by address, then by the interface's name.
    static func < (left: LocatedAddress, right: LocatedAddress) -> Bool {
        left.address == right.address
            ? (left.interface ?? "") < (right.interface ?? "") : left.address < right.address
    }
}

extension LocatedAddress: CustomStringConvertible {
    /// Shows `fe80::1%eth0`, which can be resolved, or the address alone.
    var description: String { interface.map { "\(address)%\($0)" } ?? "\(address)" }
}
