// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers

/// Counts the bytes on the sockets of the connections it is given to, TLS included, by phase.
///
/// Sent bytes count when they are handed to the socket, received ones when they come off it, under the phase that is
/// current at that moment. Any task may use it.
public final class ByteMeter: Sendable {
    /// Bytes in each direction, seen from this process.
    public struct Count: Hashable, Sendable {
        public var up: UInt64 = 0
        public var down: UInt64 = 0

        public init(up: UInt64 = 0, down: UInt64 = 0) {
            self.up = up
            self.down = down
        }
    }

    private struct State {
        var phase: String
        var counts: [String: Count] = [:]
    }

    private let state: NIOLockedValueBox<State>

    /// Starts at zero, in `phase`.
    public init(phase: String = "setup") {
        state = NIOLockedValueBox(State(phase: phase))
    }

    /// Counts what follows under `phase`, adding to what it has.
    public func enter(phase: String) {
        state.withLockedValue { $0.phase = phase }
    }

    /// The counts of every phase that has any.
    public func snapshot() -> [String: Count] {
        state.withLockedValue { $0.counts }
    }

    /// The sum over all phases.
    public var total: Count {
        snapshot().values.reduce(into: Count()) { sum, count in
            sum.up += count.up
            sum.down += count.down
        }
    }

    func add(up: Int) {
        state.withLockedValue { $0.counts[$0.phase, default: Count()].up += UInt64(up) }
    }

    func add(down: Int) {
        state.withLockedValue { $0.counts[$0.phase, default: Count()].down += UInt64(down) }
    }
}
