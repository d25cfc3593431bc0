// SPDX-License-Identifier: MIT

/// Selects services by what they claim; a field left nil accepts everything.
public struct DiscoveryFilter: Sendable, Hashable {
    /// Names the only federation accepted.
    public var federation: String?
    /// Names the only role accepted.
    public var role: ServiceRole?
    /// Names the only identifier accepted, in lowercase hexadecimal.
    public var id: String?
    /// Names the only protocol version accepted.
    public var version: String?

    /// Builds a filter from the claims it demands.
    public init(federation: String? = nil, role: ServiceRole? = nil, id: String? = nil, version: String? = nil) {
        self.federation = federation
        self.role = role
        self.id = id
        self.version = version
    }

    /// Tells whether `service` makes every claim that the filter demands.
    public func accepts(_ service: DiscoveredService) -> Bool {
        (federation == nil || federation == service.federation)
            && (role == nil || role == service.role)
            && (id == nil || id == service.id)
            && (version == nil || version == service.version)
    }
}
