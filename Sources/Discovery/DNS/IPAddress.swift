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

    /// Reads the numeric form of an address; nil for a name.
    init?(_ text: String) {
        guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
        self.init(address)
    }

    /// Builds an IPv4 address from its four numbers.
    init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

    /// Builds an IPv6 address from its eight groups.
    init(_ a: UInt16, _ b: UInt16, _ c: UInt16, _ d: UInt16, _ e: UInt16, _ f: UInt16, _ g: UInt16, _ h: UInt16) {
        bytes = [a, b, c, d, e, f, g, h].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    var isIPv4: Bool { bytes.count == 4 }
    var family: AddressFamily { isIPv4 ? .ipv4 : .ipv6 }

    var isLoopback: Bool {
        isIPv4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    /// Tells whether the address holds on one link only (RFC 3927 for IPv4; RFC 4291, section 2.5.6 for IPv6).
    var isLinkLocal: Bool {
        isIPv4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }

    /// Tells whether a TCP connection to the address makes sense: no "this network", multicast or reserved address.
    var isDiallable: Bool {
        if isIPv4 { return bytes[0] != 0 && bytes[0] < 224 }
        let isUnspecified = bytes.allSatisfy { $0 == 0 }
        return !isUnspecified && bytes[0] != 0xFF
    }

    /// Tells whether the address means something only together with an interface, which a record cannot carry (RFC 4007,
    /// section 6).
    var needsInterface: Bool { !isIPv4 && isLinkLocal }
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
