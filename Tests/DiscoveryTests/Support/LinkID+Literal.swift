// SPDX-License-Identifier: MIT

@testable import Discovery

/// In these tests a number names the IPv4 link of the interface with that number.
extension LinkID: ExpressibleByIntegerLiteral {
    public init(integerLiteral interface: Int) { self.init(interface: interface, family: .ipv4) }
}
