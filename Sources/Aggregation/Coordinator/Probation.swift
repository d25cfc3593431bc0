// SPDX-License-Identifier: MIT

import Identity

/// What a party has coming that kept all others waiting: it stays out of epochs, longer from time to time.
///
/// A party that is lost is welcome as soon as it is back. This is for one that stays connected and does not do its part,
/// or connects again and again only to be refused: every epoch that is set up with it costs all others time.
struct Probation: Sendable {
    /// The first pause; each further one doubles it.
    static let pauseMin = Duration.seconds(10)
    static let pauseMax = Duration.seconds(640)

    private(set) var strikes = 0
    private(set) var until: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) { until = now }

    /// Counts one more offence; the first may be free.
    mutating func strike(now: ContinuousClock.Instant, firstIsFree: Bool) {
        let earlier = strikes - (firstIsFree ? 1 : 0)
        strikes += 1
        guard earlier >= 0 else { return }
        until = now + min(Self.pauseMin * (1 << min(earlier, 6)), Self.pauseMax)
    }
}

extension Coordinator {
    /// Keeps parties out of epochs for a while. What happens while an epoch is set up is free once: an engineer may have
    /// confirmed a member in the meantime, or opened a firewall.
    mutating func strike(
        _ parties: some Sequence<PartyID>, _ now: ContinuousClock.Instant, firstIsFree: Bool = false
    ) {
        for party in parties {
            var entry = probation[party] ?? Probation(now: now)
            entry.strike(now: now, firstIsFree: firstIsFree)
            probation[party] = entry
        }
    }

    /// Whether an epoch should rather be proposed without a party.
    func isOnProbation(_ party: PartyID, _ now: ContinuousClock.Instant) -> Bool {
        probation[party].map { $0.until > now } ?? false
    }

    /// Takes a changed registry into effect. While helpers answer nobody is taken out: some have answered, so that the sum
    /// would be lost and could not be made again without them. That takes seconds; who was revoked gets nothing new.
    mutating func takeRegistry() {
        guard let next = nextRegistry else { return }
        registry.merge(next) { $1 }
        switch phase {
        case .answering, .summing: return
        default: break
        }
        registry = next
        nextRegistry = nil
        probation = probation.filter { next[$0.key] != nil }
    }
}
