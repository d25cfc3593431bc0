// SPDX-License-Identifier: MIT

/// What a client reports when it has applied a round; alike in both arms.
public struct ClientReport: Equatable, Sendable {
    /// Bytes on the client's sockets in one phase since its report before; TLS and all connections included.
    public struct PhaseBytes: Equatable, Sendable {
        /// The name of the phase.
        public var phase: String
        /// Bytes sent.
        public var up: UInt64
        /// Bytes received.
        public var down: UInt64

        /// Makes an entry.
        public init(phase: String, up: UInt64, down: UInt64) {
            self.phase = phase
            self.up = up
            self.down = down
        }
    }

    /// From the end of local training to the durable apply; 0 when the client did not train in this round.
    public var sinceTrainingMicros: UInt64
    /// The largest resident set of the client so far.
    public var peakMemoryBytes: UInt64
    /// What went over its sockets.
    public var phases: [PhaseBytes]

    /// Makes a report.
    public init(sinceTrainingMicros: UInt64, peakMemoryBytes: UInt64, phases: [PhaseBytes]) {
        self.sinceTrainingMicros = sinceTrainingMicros
        self.peakMemoryBytes = peakMemoryBytes
        self.phases = phases
    }
}
