// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Programs

/// Reads what a site's database says that the checks need; of one that cannot be read only why.
struct SiteRecord: Sendable {
    let check: Check
    private(set) var members: [RecordedMember] = []
    private(set) var configuration: RunConfiguration?
    /// The coordinator's key, recorded at the first contact.
    private(set) var coordinatorKey: PublicKey?
    /// Where the coordinator answered last.
    private(set) var coordinatorAddress: HostPort?
    /// By which ways the others were reached in the last epoch.
    private(set) var paths: PeerPaths?

    /// Opens the database as `status` does, beside a client that runs.
    init(_ directory: SiteDirectory) {
        do {
            let store = try SiteStore(directory)
            members = try store.members().sorted
            configuration = try store.value(.configuration).flatMap { try? RunConfiguration(encoded: $0) }
            coordinatorKey = try store.value(.coordinatorKey).flatMap { try? PublicKey(spki: $0) }
            coordinatorAddress = try store.value(.coordinatorAddress).flatMap {
                HostPort(String(decoding: $0, as: UTF8.self))
            }
            paths = try store.value(.peerPaths).flatMap { PeerPaths(encoded: $0) }
            check = Self.judge(members, directory)
        } catch {
            check = .failed(.record, error: error, otherwise: "see to the files in \(directory.path)")
        }
    }

    private static func judge(_ members: [RecordedMember], _ directory: SiteDirectory) -> Check {
        let pending = members.count { $0.state == .pending }
        let found = "what this site has sent is on record, whole; it knows \(members.count) members"
        let figures = ["members": Double(members.count), "pending": Double(pending)]
        guard pending > 0 else { return .ok(.record, found, figures: figures) }
        return .warning(
            .record, "\(found), \(pending) of them wait to be confirmed",
            remedy: "ask them for their fingerprints, then: smpc-client members confirm --state \(directory.path)",
            figures: figures)
    }
}
