// SPDX-License-Identifier: MIT

extension RecordCache {
    /// Says why a record may be gone although its life has not ended.
    enum Doubt: Hashable, Sendable {
        case none
        /// It was of no use to somebody here, and its owner is asked to confirm it, at `again` for the second time (RFC 6762,
        /// section 10.4).
        case reconfirming(again: Duration)
        /// Somebody else asked for it, and nothing has answered yet (section 10.5).
        case unanswered(since: Duration)
        /// Two questions of others went unanswered.
        case unansweredTwice
    }

    /// How long the owner of a record in doubt has to confirm it.
    static let doubtPatience = Duration.seconds(10)
    /// The pause between the two questions for it.
    static let reconfirmationPause = Duration.seconds(1)
    /// How long a record that was confirmed is not reconfirmed again.
    static let reconfirmationInterval = Duration.seconds(30)
    /// How far apart two questions of others must be to be two chances to answer; beyond the upper bound the first is forgotten.
    static let questionsApart = Duration.milliseconds(500)...Duration.seconds(60)

    /// Has the owner of a record asked to confirm it, first after `delay`, and lets it leave after `doubtPatience` unless it
    /// is heard again. A record that is in doubt already or was reconfirmed a short time ago is left as it is.
    mutating func reconfirm(_ data: RecordData, under key: CacheKey, at now: Duration, after delay: Duration) {
        guard var entry = entries[key]?[data], entry.reconfirmableAt <= now else { return }
        entry.reconfirmableAt = now + Self.reconfirmationInterval
        entry.doubt = .reconfirming(again: now + delay + Self.reconfirmationPause)
        entry.expiry = min(entry.expiry, now + Self.doubtPatience)
        entry.refreshes = 0
        entry.refreshAt = now + delay
        entries[key]?[data] = entry
        note(min(now + delay, entry.expiry))
    }

    /// Notes that somebody else asked for the records of a name and type and knew those of `known` already: what should have
    /// been answered twice and is not heard for `doubtPatience` leaves. Nothing is sent.
    mutating func noteQuestion(for key: CacheKey, known: [RecordData], at now: Duration) {
        for (data, entry) in entries[key] ?? [:] where !known.contains(data) {
            switch entry.doubt {
            case .unanswered(let since) where Self.questionsApart.contains(now - since):
                entries[key]?[data]?.doubt = .unansweredTwice
                entries[key]?[data]?.refreshAt = nil
                entries[key]?[data]?.expiry = min(entry.expiry, now + Self.doubtPatience)
                note(min(entry.expiry, now + Self.doubtPatience))
            case .unanswered(let since) where now - since < Self.questionsApart.lowerBound: break
            case .none, .unanswered: entries[key]?[data]?.doubt = .unanswered(since: now)
            case .reconfirming, .unansweredTwice: break
            }
        }
    }
}
