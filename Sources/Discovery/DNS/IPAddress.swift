// SPDX-License-Identifier: MIT

import NIOCore

/// Holds an IPv4 or IPv6 address as its 4 or 16 bytes.
struct IPAddress: Hashable, Sendable {
    let bytes: [UInt8]

    /// Takes 4 bytes of IPv4 or 16 of IPv6; nil for any other count.
    init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Builds an IPv4 address from its four numbers.
    init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

    var isIPv4: Bool { bytes.count == 4 }

    var isLoopback: Bool {
        isIPv4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// Tells whether a TCP connection to the address makes sense: no "this network", multicast, reserved or
    /// link-local IPv6 address (the last needs a scope that a record cannot carry).
    var isDiallable: Bool {
        if isIPv4 { return bytes[0] != 0 && bytes[0] < 224 }
        let isUnspecified = bytes.allSatisfy { $0 == 0 }
        let isLinkLocal = bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
        return !isUnspecified && !isLinkLocal && bytes[0] != 0xFF
    }
}

extension IPAddress: Comparable {
    /// Orders loopback first, then IPv4 before IPv6, then by bytes.
    static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.isLoopback != right.isLoopback { return left.isLoopback }
        if left.isIPv4 != right.isIPv4 { return left.isIPv4 }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Shows dotted decimal or the shortest IPv6 form.
    var description: String {
        let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0)
        return address?.ipAddress ?? "\(bytes)"
    }
}
