// SPDX-License-Identifier: MIT

/// Says which field of a ``ServiceAdvertisement`` cannot be announced.
public enum AdvertisementError: Error, Equatable {
    /// The federation is not 1…63 ASCII letters, digits and hyphens.
    case federation(String)
    /// The identifier is not 8…64 hexadecimal digits.
    case id(String)
    /// Port 0 cannot be dialled.
    case port
    /// The version is not 1…15 printable ASCII characters without a space.
    case version(String)
}

extension AdvertisementError: CustomStringConvertible {
    /// Explains the field in one line.
    public var description: String {
        switch self {
        case .federation(let name): "federation \"\(name)\" is not 1 to 63 letters, digits and hyphens"
        case .id(let id): "identifier \"\(id)\" is not 8 to 64 hexadecimal digits"
        case .port: "port 0 cannot be announced: bind first, then announce the port that was given"
        case .version(let version): "version \"\(version)\" is not 1 to 15 printable ASCII characters"
        }
    }
}
