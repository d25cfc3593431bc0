// SPDX-License-Identifier: MIT

/// Reports a change in what answers on the local network.
public enum DiscoveryEvent: Sendable, Hashable {
    /// An instance is completely known for the first time, or again after ``lost(instance:)``.
    case found(DiscoveredService)
    /// A known instance said goodbye or was silent for longer than its records live.
    case lost(instance: String)
    /// A known instance changed its address, port or text.
    case updated(DiscoveredService)
}
