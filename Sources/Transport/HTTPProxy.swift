// SPDX-License-Identifier: MIT

import Primitives

/// Names an HTTP proxy that makes tunnels with CONNECT (RFC 9110, section 9.3.6).
///
/// The same mutual TLS runs inside the tunnel: a proxy sees where it leads, and how much and when is sent.
public struct HTTPProxy: Equatable, Sendable, CustomStringConvertible {
    /// A name or an address.
    public let host: String
    public let port: Int
    let credentials: Credentials?

    public init(host: String, port: Int, credentials: Credentials? = nil) {
        self.host = host
        self.port = port
        self.credentials = credentials
    }

    /// Name and password are left out.
    public var description: String { Self.authority(host: host, port: port) }

    /// A host and a port, an IPv6 address in brackets (RFC 9112, section 3.2.3).
    static func authority(host: String, port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// A name and a password for basic authentication (RFC 7617), which a proxy reads in clear.
    public struct Credentials: Equatable, Sendable, CustomStringConvertible {
        /// The most bytes of name, colon and password together.
        public static let bytesMax = 1_024
        /// The bytes `name:password`.
        let text: SecretBytes

        /// Takes UTF-8 of the form `name:password`; the name has no colon, neither has control characters.
        public init(text bytes: [UInt8]) throws(ProxyError) {
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, bytes.count <= Self.bytesMax,
                !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }), String(validating: bytes, as: UTF8.self) != nil
            else { throw .credentialsInvalid }
            text = SecretBytes(bytes)
        }

        public var description: String { "credentials for a proxy" }
    }

    /// Writes the request for a tunnel. The bytes hold the credentials: they are a secret where those are.
    func request(host target: String, port: Int) throws(ProxyError) -> SecretBytes {
        guard (1...255).contains(target.utf8.count), (1...65_535).contains(port),
            target.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"/?#@[]\\\"<>".utf8.contains($0) })
        else { throw .targetInvalid }
        let authority = Self.authority(host: target, port: port)
        var request = Array("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n".utf8)
        if let credentials {
            request += Array("Proxy-Authorization: Basic ".utf8)
            var clear = credentials.text.exposedBytes()
            request += Base64.encode(clear)
            SecretBytes.wipe(&clear)
            request += Array("\r\n".utf8)
        }
        request += Array("\r\n".utf8)
        return SecretBytes(request)
    }
}

/// Base64 with padding (RFC 4648, section 4), as HTTP wants it.
private enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var bits = 0
            for index in 0..<3 { bits = bits << 8 | (index < count ? Int(bytes[start + index]) : 0) }
            for index in 0..<4 {
                text.append(index <= count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
