// SPDX-License-Identifier: MIT

import ArgumentParser

/// Names a TCP endpoint: `host:port`, an IPv6 address in brackets as in `[::1]:7443`.
public struct HostPort: Hashable, Sendable {
    /// A host name or an address, without brackets; never empty.
    public let host: String
    /// The port, 0…65535; 0 lets a listener choose.
    public let port: UInt16

    /// Joins a host and a port.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`; nil if the port is missing or out of range, or an IPv6 address stands without brackets.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.contains(":") {
            host = host.dropFirst().dropLast()
        } else if host.contains(where: { $0 == ":" || $0 == "[" || $0 == "]" }) {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "/" }) else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Reads decimal digits without a sign.
    private static func port(_ text: Substring) -> UInt16? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt16(text) : nil
    }
}

extension HostPort: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "host:port, such as 192.0.2.1:7443 or [2001:db8::1]:7443"

    /// Reads an endpoint; nil if it is not one.
    public init?(argument: String) {
        self.init(argument)
    }

    /// Gives the text that reads back as the same endpoint.
    public var defaultValueDescription: String { description }
}

extension HostPort: CustomStringConvertible {
    /// Writes `host:port` with brackets around an IPv6 address.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
