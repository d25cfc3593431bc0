// SPDX-License-Identifier: MIT

/// What a certificate admits its owner as (protocol section 3).
public enum PartyRole: Hashable, Sendable {
    /// The one process that fixes epochs, rounds and survivor sets.
    case coordinator
    /// A member of the federation.
    case party(PartyID)

    /// Writes `spiffe://<federation>/coordinator` or `spiffe://<federation>/party/<id>`.
    public func uri(in federation: FederationName) -> String {
        switch self {
        case .coordinator: "spiffe://\(federation.text)/coordinator"
        case .party(let id): "spiffe://\(federation.text)/party/\(id.hex)"
        }
    }

    /// Reads exactly what `uri(in:)` writes; nil for anything else.
    public static func parse(uri: String) -> (federation: FederationName, role: PartyRole)? {
        let scheme = "spiffe://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let federation = FederationName(String(first)) else { return nil }
        if parts.count == 2, parts[1] == "coordinator" { return (federation, .coordinator) }
        if parts.count == 3, parts[1] == "party", let id = PartyID(hex: parts[2]) { return (federation, .party(id)) }
        return nil
    }
}
