// SPDX-License-Identifier: MIT

/// How long a site waits before it looks for a coordinator that it has lost: longer each time that a connection was as good as
/// refused.
struct ReconnectPause: Equatable {
    static let min = Duration.milliseconds(200)
    static let max = Duration.seconds(5)
    /// A connection that lasted less than this, and brought no result, counts as refused.
    static let shortLife = Duration.seconds(10)

    /// The next pause, at the most; sites take a random part of it, so that not all come at once.
    private(set) var length = min

    /// Counts a connection that has ended.
    ///
    /// - Parameters:
    ///   - life: how long it lasted.
    ///   - results: how many results of rounds it brought.
    mutating func ended(after life: Duration, results: Int) {
        let wasGood = results > 0 || life >= Self.shortLife
        length = wasGood ? Self.min : Swift.min(length * 2, Self.max)
    }
}
