// SPDX-License-Identifier: MIT

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
