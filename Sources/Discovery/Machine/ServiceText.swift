// SPDX-License-Identifier: MIT

/// Holds what the TXT record of a usable instance says (RFC 6763, section 6.4).
struct ServiceText: Hashable, Sendable {
    let federation: String
    let role: ServiceRole
    let id: String
    let version: String

    /// Reads the strings `key=value`; the first of a key counts, its case does not, unknown keys are passed over.
    /// Nil where a key is missing or its value is none that ``ServiceAdvertisement`` admits.
    init?(_ strings: [[UInt8]]) {
        var values: [String: String] = [:]
        for string in strings {
            guard let equals = string.firstIndex(of: UInt8(ascii: "=")),
                let key = String(validating: string[..<equals], as: UTF8.self)?.lowercased(),
                ["fed", "role", "id", "v"].contains(key), values[key] == nil
            else { continue }
            values[key] = String(validating: string[(equals + 1)...], as: UTF8.self) ?? ""
        }
        guard let federation = values["fed"], ServiceAdvertisement.isFederation(federation),
            let role = values["role"].flatMap(ServiceRole.init(rawValue:)),
            let id = values["id"].flatMap(ServiceAdvertisement.canonicalID),
            let version = values["v"], ServiceAdvertisement.isVersion(version)
        else { return nil }
        self.federation = federation
        self.role = role
        self.id = id
        self.version = version
    }
}
