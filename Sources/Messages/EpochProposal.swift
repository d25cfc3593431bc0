// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives

/// Proposes a fixed set of parties for some rounds (protocol section 4, step E1); signed by the coordinator.
public struct EpochProposal: SignedPayload {
    public static let name = "EpochProposal"

    /// One party of the epoch: its key and what people call it.
    public struct Member: Equatable, Sendable {
        public let key: PublicKey
        public let name: String

        /// Makes a member entry.
        public init(key: PublicKey, name: String) {
            self.key = key
            self.name = name
        }

        /// The identity that follows from the key.
        public var id: PartyID { PartyID(publicKey: key) }
    }

    /// A slot of mode `pinned`: who answers for it, and who does when that one is silent.
    public struct Pair: Hashable, Sendable {
        public let primary: PartyID
        public let standby: PartyID

        /// Makes a pair.
        public init(primary: PartyID, standby: PartyID) {
            self.primary = primary
            self.standby = standby
        }
    }

    public let federation: String
    public let epoch: UInt64
    /// The first round of the epoch.
    public let round: UInt64
    public let modelHash: Digest
    public let paramsHash: Digest
    /// Training rounds of the run that were applied before the epoch: modelHash does not show how many they were.
    public let appliedRounds: Int
    /// In PartyID order, each once.
    public let members: [Member]
    public let mode: SlotMode
    public let slotCount: Int
    /// The slots of mode `pinned`, in order; empty in the others.
    public let pinned: [Pair]
    public let configuration: RunConfiguration

    /// Makes a proposal; members are put into PartyID order.
    public init(
        federation: String, epoch: UInt64, round: UInt64, modelHash: Digest, paramsHash: Digest, appliedRounds: Int,
        members: [Member], mode: SlotMode, slotCount: Int, pinned: [Pair] = [], configuration: RunConfiguration
    ) {
        self.federation = federation
        self.epoch = epoch
        self.round = round
        self.modelHash = modelHash
        self.paramsHash = paramsHash
        self.appliedRounds = appliedRounds
        self.members = members.sorted { $0.id < $1.id }
        self.mode = mode
        self.slotCount = slotCount
        self.pinned = pinned
        self.configuration = configuration
    }

    /// Nothing is signed under an epoch that does not exist yet: 32 zero bytes.
    public var signingEpoch: Digest { .zero }

    /// Computes proposalHash = H("proposal", payload) of the bytes that were signed.
    public static func hash(payload: [UInt8]) -> Digest { LabeledBytes("proposal").variable(payload).hash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireEpochProposal(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        federation = try fields.text(wire.federation, "federation", bytesMax: 63)
        epoch = UInt64(try fields.range(wire.epoch, "epoch", 1...Limits.roundsMax))
        round = UInt64(try fields.range(wire.round, "round", 1...Limits.roundsMax))
        modelHash = try fields.digest(wire.modelHash, "model_hash")
        paramsHash = try fields.digest(wire.paramsHash, "params_hash")
        appliedRounds = try fields.range(wire.appliedRounds, "applied_rounds", 0...1_000_000)
        members = try Self.members(wire.members, fields)
        mode = try fields.code(wire.mode, "mode")
        slotCount = try fields.range(wire.slots, "slots", 1...UInt64(Limits.membersMax))
        pinned = try Self.pairs(wire.pinned, fields)
        configuration = try RunConfiguration(wire: wire.configuration)
    }

    public func encoded() -> [UInt8] {
        WireEpochProposal.with {
            $0.federation = federation
            $0.epoch = epoch
            $0.round = round
            $0.modelHash = modelHash.data
            $0.paramsHash = paramsHash.data
            $0.appliedRounds = UInt32(appliedRounds)
            $0.members = members.map { member in
                .with {
                    $0.spki = Data(member.key.spki)
                    $0.name = member.name
                }
            }
            $0.mode = UInt32(mode.rawValue)
            $0.slots = UInt32(slotCount)
            $0.pinned = pinned.map { pair in
                .with {
                    $0.primary = pair.primary.data
                    $0.standby = pair.standby.data
                }
            }
            $0.configuration = configuration.wire
        }.wireBytes()
    }

    private static func pairs(_ wire: [WireEpochProposal.Pair], _ fields: Fields) throws(InvalidMessage) -> [Pair] {
        try fields.bounded(wire.count, "pinned", atMost: Limits.membersMax / 2)
        var result: [Pair] = []
        for pair in wire {
            result.append(
                Pair(
                    primary: try fields.party(pair.primary, "pinned.primary"),
                    standby: try fields.party(pair.standby, "pinned.standby")))
        }
        return result
    }

    /// Parses the members, which must stand in strictly ascending PartyID order.
    private static func members(
        _ wire: [WireEpochProposal.Member], _ fields: Fields
    ) throws(InvalidMessage) -> [Member] {
        try fields.bounded(wire.count, "members", atMost: Limits.membersMax)
        var result: [Member] = []
        for entry in wire {
            let name = try fields.text(entry.name, "members.name", bytesMax: Limits.nameBytesMax)
            let key: PublicKey
            do { key = try PublicKey(spki: [UInt8](entry.spki)) } catch {
                throw .malformed(message: "EpochProposal.members.spki")
            }
            let member = Member(key: key, name: name)
            if let last = result.last, !(last.id < member.id) {
                throw .range(message: "EpochProposal", field: "members", value: UInt64(result.count))
            }
            result.append(member)
        }
        return result
    }
}
