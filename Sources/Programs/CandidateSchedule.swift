// SPDX-License-Identifier: MIT

/// Decides which address of the coordinator is dialled next, and when one that failed is tried again.
///
/// Addresses heard by multicast are hints that anybody may send, so their number and the dials at one time are bounded
/// and none can hold up the others.
struct CandidateSchedule {
    /// The most addresses remembered.
    static let candidatesMax = 256
    /// The first pause after a failure; each further one doubles it.
    static let pauseMin = Duration.milliseconds(250)
    /// The longest pause, for an address that somebody announced.
    static let pauseMax = Duration.seconds(4)
    /// The longest pause for an address that this site was told or has reached before: a server that was restarted has its
    /// sites back within two seconds.
    static let knownPauseMax = Duration.seconds(1)

    private struct Candidate {
        let address: HostPort
        var due: Duration
        let pauseMax: Duration
        var pause = CandidateSchedule.pauseMin
        var isBusy = false
        var failures = 0
    }

    private var candidates: [Candidate] = []

    /// Gives the addresses in the order in which they became known.
    var addresses: [HostPort] { candidates.map(\.address) }

    /// Adds an address that is not known yet. It takes the place of one that failed more than once where all are taken, so
    /// that false records cannot keep the true one out for long.
    ///
    /// - Parameter isKnown: whether the address is this site's own knowledge, not a hint that anybody may send.
    mutating func add(_ address: HostPort, at now: Duration, isKnown: Bool = false) {
        guard !candidates.contains(where: { $0.address == address }) else { return }
        if candidates.count >= Self.candidatesMax {
            let replaceable = candidates.indices.dropFirst().filter {
                !candidates[$0].isBusy && candidates[$0].failures > 1
            }
            guard let worst = replaceable.max(by: { candidates[$0].failures < candidates[$1].failures }) else { return }
            candidates.remove(at: worst)
        }
        candidates.append(
            Candidate(address: address, due: now, pauseMax: isKnown ? Self.knownPauseMax : Self.pauseMax))
    }

    /// Takes the address that has been due longest; nil if none is.
    mutating func next(at now: Duration) -> HostPort? {
        let due = candidates.indices.filter { !candidates[$0].isBusy && candidates[$0].due <= now }
        guard let index = due.min(by: { candidates[$0].due < candidates[$1].due }) else { return nil }
        candidates[index].isBusy = true
        return candidates[index].address
    }

    /// Gives an address back that did not answer well.
    mutating func failed(_ address: HostPort, at now: Duration) {
        guard let index = candidates.firstIndex(where: { $0.address == address }) else { return }
        candidates[index].isBusy = false
        candidates[index].failures += 1
        candidates[index].due = now + candidates[index].pause
        candidates[index].pause = min(candidates[index].pause * 2, candidates[index].pauseMax)
    }
}
