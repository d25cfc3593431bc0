// SPDX-License-Identifier: MIT

/// Says which attempts to reach a peer go directly and which through the coordinator: some directly first, then both in turn.
struct RelayTurns: Equatable {
    /// Attempts at the direct way before the first relay.
    let directFirst: Int
    /// Attempts at the direct way so far.
    private(set) var direct = 0
    /// Relays that were asked for so far.
    private(set) var relayed = 0

    /// - Parameter directFirst: at least 1.
    init(directFirst: Int) { self.directFirst = directFirst }

    /// Counts the next attempt, and says whether it is to ask for a relay.
    ///
    /// - Parameter mayRelay: whether it is late enough for one.
    mutating func takeTurn(mayRelay: Bool) -> Bool {
        guard mayRelay, direct >= directFirst + relayed else {
            direct += 1
            return false
        }
        // However many direct attempts there were meanwhile, one lies between two relays.
        relayed = direct - directFirst + 1
        return true
    }

    /// Begins anew: a connection has stood.
    mutating func begin() { self = RelayTurns(directFirst: directFirst) }
}
