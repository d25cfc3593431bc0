// SPDX-License-Identifier: MIT

/// Holds what a ``Responder`` does on one link.
struct ResponderLink: Sendable {
    /// Each phase holds what is valid in it and nothing else.
    enum Phase: Hashable, Sendable {
        /// Waits for `next` to send one more probe, or to announce after the third.
        case probing(sent: Int, next: Duration)
        /// Waits for `next` to send one more announcement; answers queries.
        case announcing(sent: Int, next: Duration)
        /// Answers queries.
        case running

        /// Orders the phases by how far they have come.
        fileprivate var progress: Int {
            switch self {
            case .probing(let sent, _): sent
            case .announcing(let sent, _): Responder.probesCount + 1 + sent
            case .running: .max
            }
        }
    }

    let link: NetworkLink
    var phase: Phase
    var queue = AnswerQueue()
    /// Whether others on the link may have our present names in their caches.
    var hasAnnounced = false
    /// The second in which the last unicast answers were sent, and how many.
    var unicasts: (second: Int64, count: Int) = (0, 0)

    init(_ link: NetworkLink, probingAt next: Duration) {
        self.link = link
        phase = .probing(sent: 0, next: next)
    }

    /// When there is something to do next; nil when only a message can change anything.
    var deadline: Duration? {
        switch phase {
        case .probing(_, let next): next
        case .announcing(_, let next): [next, queue.deadline].compactMap { $0 }.min()
        case .running: queue.deadline
        }
    }

    /// Tells whether the link's phase comes before that of another.
    func isBehind(_ other: ResponderLink) -> Bool { phase.progress < other.phase.progress }

    /// Starts anew with probing, for names that nothing was announced of.
    mutating func probe(from next: Duration) {
        phase = .probing(sent: 0, next: next)
        queue.clear()
    }
}
