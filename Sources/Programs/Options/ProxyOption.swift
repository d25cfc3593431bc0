// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Primitives
import Transport

/// Names an HTTP proxy: `host:port`, with `http://` in front where somebody prefers it.
public struct ProxyOption: Hashable, Sendable {
    /// Where it listens.
    public let address: HostPort
    /// Whether a name or a password was written in front of the host, where it does not belong.
    let hasCredentials: Bool

    /// Reads an address; nil if it is none.
    public init?(_ text: String) {
        var rest = text[...]
        if rest.lowercased().hasPrefix("http://") { rest = rest.dropFirst("http://".count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        hasCredentials = rest.contains("@")
        // What is refused for its credentials must not be refused for something else, with all of it in the message.
        guard let address = HostPort(hasCredentials ? "unread:1" : String(rest)), address.port > 0 else { return nil }
        self.address = address
    }
}

extension ProxyOption: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "host:port, such as proxy.example.org:8080"

    /// Reads an address; nil if it is none.
    public init?(argument: String) { self.init(argument) }

    /// Gives the text that reads back as the same address.
    public var defaultValueDescription: String { "\(address)" }
}

extension HTTPProxy {
    /// Combines the proxy that was named with the name and the password in a file of their own.
    ///
    /// - Throws: `ProgramError`, `usage` for credentials in the wrong place, `failed` for a file that cannot be read.
    init(_ option: ProxyOption, credentialsFile path: String?) throws(ProgramError) {
        guard !option.hasCredentials else {
            // What was given is not repeated: it may be a password.
            throw ProgramError(
                .usage, "name and password do not belong into the address of a proxy", subject: "--proxy",
                remedy: "write name:password into a file that only you can read, and give --proxy-credentials FILE")
        }
        let credentials: Credentials?
        do {
            credentials = try path.map { try Self.credentials(inFile: $0) }
        } catch {
            throw ProgramError(
                .failed, "\(error)", subject: path, remedy: "write name:password into it, in one line")
        }
        self.init(host: option.address.host, port: Int(option.address.port), credentials: credentials)
    }

    private static func credentials(inFile path: String) throws -> Credentials {
        var bytes = try PrivateFile.read(path)
        defer { SecretBytes.wipe(&bytes) }
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        return try Credentials(text: bytes)
    }
}
