// SPDX-License-Identifier: MIT

import FoundationEssentials
import Identity
import Transport

/// Says by which ways a site has reached the others of an epoch, from the connections of its own exchange of keys.
struct PeerPaths: Codable, Equatable {
    var direct = 0
    /// Through a proxy of this site.
    var proxied = 0
    /// Through the coordinator.
    var relayed = 0

    init(_ paths: [PartyID: Connection.Path]) {
        for path in paths.values {
            switch path {
            case .direct: direct += 1
            case .proxy: proxied += 1
            case .relayed: relayed += 1
            }
        }
    }

    /// Takes what `encoded` made; nil for anything else.
    init?(encoded: [UInt8]) {
        guard let paths = try? JSONDecoder().decode(PeerPaths.self, from: Data(encoded)) else { return nil }
        self = paths
    }

    /// The bytes for the site's store.
    var encoded: [UInt8] { (try? JSONEncoder().encode(self)).map { [UInt8]($0) } ?? [] }

    /// Such as "2 direct, 1 relayed".
    var text: String {
        let parts = [(direct, "direct"), (proxied, "through the proxy"), (relayed, "relayed by the coordinator")]
            .filter { $0.0 > 0 }
        return parts.isEmpty ? "none" : parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
