// SPDX-License-Identifier: MIT

/// Notices what `members confirm` changes while a client runs.
struct StoreWatch: Sendable {
    let store: SiteStore
    let inbox: SiteInbox
    /// How often the database is looked at.
    private static let interval = Duration.seconds(1)

    /// Watches until cancelled.
    func run() async throws {
        var version = try store.externalVersion()
        while true {
            // SQLite tells of other processes' commits only when asked.
            try await Task.sleep(for: Self.interval)
            let now = try store.externalVersion()
            guard now != version else { continue }
            version = now
            await inbox.submit(.membersChanged)
        }
    }
}
