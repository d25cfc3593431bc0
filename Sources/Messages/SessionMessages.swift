// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives

/// Opens a party's connection to the coordinator (protocol section 3) and says where that party stands.
public struct Hello: Equatable, Sendable {
    /// The protocol version of this implementation.
    public static let currentVersion: UInt32 = 1

    /// Where a party stands in a run: what C needs to send what it missed, in order.
    public struct Position: Equatable, Sendable {
        /// The identity of the run, 16 bytes.
        public let run: [UInt8]
        /// Results, Skips and overflows that the party has applied in that run.
        public let chainIndex: UInt64
        public let modelHash: Digest
        /// The epoch whose keys the party holds, 0 without.
        public let epoch: UInt64

        /// Makes a position.
        public init(run: [UInt8], chainIndex: UInt64, modelHash: Digest, epoch: UInt64) {
            self.run = run
            self.chainIndex = chainIndex
            self.modelHash = modelHash
            self.epoch = epoch
        }
    }

    public let version: UInt32
    /// 16 bytes, drawn when the state directory was made.
    public let instance: [UInt8]
    /// Where peers may dial this party, `host:port`: hints.
    public let addresses: [String]
    /// nil before the first epoch.
    public let position: Position?
    /// The base for which this party's engineer has lifted rule (c) of protocol section 5: a hint.
    public let released: Digest?
    /// Whether this party takes connections of peers that the coordinator relays.
    public let takesRelays: Bool

    /// Makes the message.
    public init(
        version: UInt32 = currentVersion, instance: [UInt8], addresses: [String], position: Position?,
        released: Digest? = nil, takesRelays: Bool = false
    ) {
        self.version = version
        self.instance = instance
        self.addresses = addresses
        self.position = position
        self.released = released
        self.takesRelays = takesRelays
    }
}

extension Hello {
    init(wire: WireHello) throws(InvalidMessage) {
        let fields = Fields(message: "Hello")
        version = wire.version
        instance = try fields.bytes(wire.instance, "instance", count: 16)
        addresses = try addressHints(wire.addresses, fields)
        released = try fields.optionalDigest(wire.released, "released")
        takesRelays = wire.relay
        guard !wire.run.isEmpty else {
            position = nil
            return
        }
        position = Position(
            run: try fields.bytes(wire.run, "run", count: 16), chainIndex: wire.chainIndex,
            modelHash: try fields.digest(wire.modelHash, "model_hash"), epoch: wire.epoch)
    }

    var wire: WireHello {
        .with {
            $0.version = version
            $0.instance = Data(instance)
            $0.addresses = addresses
            if let released { $0.released = released.data }
            $0.relay = takesRelays
            guard let position else { return }
            $0.run = Data(position.run)
            $0.chainIndex = position.chainIndex
            $0.modelHash = position.modelHash.data
            $0.epoch = position.epoch
        }
    }
}

/// Passes on where the parties say they can be dialled (protocol section 3): unsigned hints.
public struct Directory: Equatable, Sendable {
    /// One party's addresses.
    public struct Entry: Equatable, Sendable {
        public let party: PartyID
        public let addresses: [String]

        /// Makes an entry.
        public init(party: PartyID, addresses: [String]) {
            self.party = party
            self.addresses = addresses
        }
    }

    public let entries: [Entry]

    /// Makes a directory.
    public init(entries: [Entry]) { self.entries = entries }
}

extension Directory {
    init(wire: WireDirectory) throws(InvalidMessage) {
        let fields = Fields(message: "Directory")
        try fields.bounded(wire.entries.count, "entries", atMost: Limits.membersMax)
        var entries: [Entry] = []
        for entry in wire.entries {
            entries.append(
                Entry(
                    party: try fields.party(entry.party, "party"),
                    addresses: try addressHints(entry.addresses, fields)))
        }
        self.entries = entries
    }

    var wire: WireDirectory {
        .with {
            $0.entries = entries.map { entry in
                .with {
                    $0.party = entry.party.data
                    $0.addresses = entry.addresses
                }
            }
        }
    }
}

private func addressHints(_ list: [String], _ fields: Fields) throws(InvalidMessage) -> [String] {
    try fields.bounded(list.count, "addresses", atMost: Limits.addressesMax)
    var result: [String] = []
    for address in list { result.append(try fields.text(address, "addresses", bytesMax: Limits.addressBytesMax)) }
    return result
}

/// Says that a participant stays silent in a round, so that nobody waits for it. Unsigned: a courtesy to C.
public struct Silence: Equatable, Sendable {
    public let ctx: Digest
    public let cause: SilenceCause

    /// Makes the message.
    public init(ctx: Digest, cause: SilenceCause) {
        self.ctx = ctx
        self.cause = cause
    }
}

/// Reports that a party has durably applied a round, with what it cost. Unsigned: C's records only.
public struct Applied: Equatable, Sendable {
    /// Bytes on the socket in one phase.
    public struct PhaseBytes: Equatable, Sendable {
        public let phase: String
        public let up: UInt64
        public let down: UInt64

        /// Makes an entry.
        public init(phase: String, up: UInt64, down: UInt64) {
            self.phase = phase
            self.up = up
            self.down = down
        }
    }

    public let ctx: Digest
    public let modelHash: Digest
    /// From the end of local training to this moment; 0 when the party did not train in this round.
    public let sinceTrainingMicros: UInt64
    /// Bytes on the socket of all connections since the previous report.
    public let bytesUp: UInt64
    public let bytesDown: UInt64
    public let peakMemoryBytes: UInt64
    public let phases: [PhaseBytes]

    /// Makes the report.
    public init(
        ctx: Digest, modelHash: Digest, sinceTrainingMicros: UInt64, bytesUp: UInt64, bytesDown: UInt64,
        peakMemoryBytes: UInt64, phases: [PhaseBytes]
    ) {
        self.ctx = ctx
        self.modelHash = modelHash
        self.sinceTrainingMicros = sinceTrainingMicros
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.peakMemoryBytes = peakMemoryBytes
        self.phases = phases
    }
}

extension Applied {
    init(wire: WireApplied) throws(InvalidMessage) {
        let fields = Fields(message: "Applied")
        ctx = try fields.digest(wire.ctx, "ctx")
        modelHash = try fields.digest(wire.modelHash, "model_hash")
        sinceTrainingMicros = wire.sinceTrainingMicros
        bytesUp = wire.bytesUp
        bytesDown = wire.bytesDown
        peakMemoryBytes = wire.peakMemoryBytes
        try fields.bounded(wire.phases.count, "phases", atMost: 32)
        var phases: [PhaseBytes] = []
        for entry in wire.phases {
            let phase = try fields.text(entry.phase, "phases.phase", bytesMax: 32)
            phases.append(PhaseBytes(phase: phase, up: entry.up, down: entry.down))
        }
        self.phases = phases
    }

    var wire: WireApplied {
        .with {
            $0.ctx = ctx.data
            $0.modelHash = modelHash.data
            $0.sinceTrainingMicros = sinceTrainingMicros
            $0.bytesUp = bytesUp
            $0.bytesDown = bytesDown
            $0.peakMemoryBytes = peakMemoryBytes
            $0.phases = phases.map { entry in
                .with {
                    $0.phase = entry.phase
                    $0.up = entry.up
                    $0.down = entry.down
                }
            }
        }
    }
}

/// Tells the parties that the run is over and how.
public struct RunEnd: Equatable, Sendable {
    public let outcome: RunOutcome
    /// A sentence for people: what happened, to whom, what to do.
    public let sentence: String

    /// Makes the message; the sentence is cut at the limit.
    public init(outcome: RunOutcome, sentence: String) {
        self.outcome = outcome
        self.sentence = cut(sentence)
    }
}
