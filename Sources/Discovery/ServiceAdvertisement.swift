// SPDX-License-Identifier: MIT

/// Describes the one service instance that a process announces.
///
/// The values are checked here, so everything that is announced is also accepted by
/// ``DiscoveredService`` on the other side.
public struct ServiceAdvertisement: Sendable, Hashable {
    /// Names the federation: 1…63 ASCII letters, digits and hyphens.
    public let federation: String
    /// Says whether the process is the coordinator or a party.
    public let role: ServiceRole
    /// Identifies the process: 8…64 lowercase hexadecimal digits, usually a `PartyID`.
    public let id: String
    /// Names the protocol version.
    public let version: String
    /// The TCP port that accepts connections, never 0.
    public let port: UInt16

    /// The address that accepts connections: `0.0.0.0` stands for every IPv4 address of the host, `::` for every address of
    /// both families; a name counts as `::`. Only addresses at which the process can be reached are announced.
    public let listening: String

    /// Checks the fields; uppercase digits of `id` become lowercase.
    /// - Throws: ``AdvertisementError`` naming the field that cannot be announced.
    public init(
        federation: String, role: ServiceRole, id: String, port: UInt16, version: String = "1",
        listening: String = "0.0.0.0"
    ) throws(AdvertisementError) {
        guard Self.isFederation(federation) else { throw .federation(federation) }
        guard let canonicalID = Self.canonicalID(id) else { throw .id(id) }
        guard Self.isVersion(version) else { throw .version(version) }
        guard port != 0 else { throw .port }
        self.federation = federation
        self.role = role
        self.id = canonicalID
        self.version = version
        self.port = port
        self.listening = listening
    }

    /// Tells whether a connection to `address`, one of this host, reaches the process.
    func isReachable(at address: IPAddress) -> Bool {
        guard let own = IPAddress(listening) else { return true }
        if own.bytes.allSatisfy({ $0 == 0 }) { return !own.isIPv4 || address.isIPv4 }
        return own == address
    }

    static let federationBytesMax = 63
    static let idBytes = 8...64
    static let versionBytesMax = 15

    static func isFederation(_ name: String) -> Bool {
        (1...federationBytesMax).contains(name.utf8.count) && name.utf8.allSatisfy { $0.isLetterDigitOrHyphen }
    }

    static func isVersion(_ version: String) -> Bool {
        (1...versionBytesMax).contains(version.utf8.count) && version.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Lowercases an identifier, or answers nil where it is not one.
    static func canonicalID(_ id: String) -> String? {
        guard idBytes.contains(id.utf8.count), id.utf8.allSatisfy({ $0.isHexadecimalDigit }) else { return nil }
        return id.lowercased()
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }

    fileprivate var isLetterDigitOrHyphen: Bool {
        isDigit || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) || self == 0x2D
    }

    fileprivate var isHexadecimalDigit: Bool {
        isDigit || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }
}
