// SPDX-License-Identifier: MIT

import Glibc
import NIOCore

extension IPAddress {
    /// Takes the address part of a socket address; nil for a Unix domain socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            var word = address.address.sin_addr
            self.init(bytes: withUnsafeBytes(of: &word) { Array($0) })
        case .v6(let address):
            var words = address.address.sin6_addr
            self.init(bytes: withUnsafeBytes(of: &words) { Array($0) })
        case .unixDomainSocket:
            return nil
        }
    }
}

extension SocketAddress {
    /// Names an address and a port as they are reached through a link.
    init(_ address: IPAddress, port: UInt16, on link: LinkID) {
        if address.isIPv4 {
            let socketAddress = sockaddr_in(
                sin_family: sa_family_t(AF_INET), sin_port: in_port_t(port).bigEndian, sin_addr: in_addr(address),
                sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
            self.init(socketAddress)
        } else {
            let socketAddress = sockaddr_in6(
                sin6_family: sa_family_t(AF_INET6), sin6_port: in_port_t(port).bigEndian, sin6_flowinfo: 0,
                sin6_addr: in6_addr(address), sin6_scope_id: UInt32(link.interface))
            self.init(socketAddress)
        }
    }
}

extension in_addr {
    /// Takes the four bytes of an IPv4 address as they lie in memory.
    init(_ address: IPAddress) {
        self.init(s_addr: address.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}

extension in6_addr {
    /// Takes the sixteen bytes of an IPv6 address as they lie in memory.
    init(_ address: IPAddress) {
        self.init()
        withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: address.bytes.prefix(16)) }
    }
}
