// SPDX-License-Identifier: MIT

/// Lets a few clients upload at a time: the server's memory does not grow with their number.
actor UploadGate {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Opens for so many at once.
    init(places: Int) {
        free = places
    }

    /// Runs the body as soon as there is a place.
    func pass<Result: Sendable>(_ body: @Sendable () async throws -> Result) async rethrows -> Result {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
        defer { leave() }
        return try await body()
    }

    /// Hands the place to the one that has waited longest.
    private func leave() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().resume()
    }
}
