// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// What a member's shell does for its machine, in the order given; each is finished before the next begins.
///
/// A `record` or `storeKeys` that fails ends the process: the bytes that depend on it must not go out.
public enum MemberAction: Sendable {
    /// Make the aggregate share and report its leaf.
    case answer(AnswerOrder)
    /// Dial or expect these peers; the smaller PartyID dials.
    case connectPeers([PartyID])
    /// Drop the update that is kept: the base has moved.
    case deleteUpdate
    /// Drop the connections to peers: the epoch's keys are exchanged.
    case disconnectPeers
    /// Train from the present parameters, keep the update durably, and report it.
    case makeUpdate(RoundContext, number: Int)
    /// Encode and mask the update that is kept, and report the leaf.
    case makeVector(VectorOrder)
    /// Write the fact durably.
    case record(MemberFact)
    /// Write the member record durably.
    case recordMembers(MemberRecord)
    /// Count and log a refusal.
    case reject(PeerMisbehavior)
    /// Send to the coordinator.
    case send(ControlMessage)
    /// Send to a peer.
    case sendPeer(PartyID, ControlMessage)
    /// Stream the aggregate share with this trailer.
    case sendPartial(VectorHeader, trailer: Envelope)
    /// Stream the masked vector with this trailer.
    case sendUpload(VectorHeader, trailer: Envelope)
    /// Stop for good: the run ended, or evidence was found.
    case stop(MemberStop)
    /// Write the keys file durably, replacing the one of the same epoch.
    case storeKeys(EpochKeys)
    /// Write the parameters that were handed over durably, as the model to train from.
    case takeHandover(HandoverHeader)
    /// Compute the first parameters of a run, store them durably as the model to train from.
    case takeInitial(RunConfiguration)
    /// Check the sum that arrived and apply it, and report the outcome.
    case verifyResult(ResultOrder)
    /// Remove the keys file: the epoch is over.
    case wipeKeys
}

/// Why a member stops.
public enum MemberStop: Error, Equatable, Sendable {
    /// Two signed statements of the coordinator that cannot both be honest.
    case evidence(PeerMisbehavior)
    /// The coordinator ended the run.
    case runEnded(RunEnd)
    /// The check inside the vector failed.
    case checkFailed(round: UInt64)
}

/// What is needed to encode and mask an update.
public struct VectorOrder: Sendable {
    public let context: RoundContext
    public let encoding: RoundEncoding
    public let participant: PartyID
    public let memberCount: Int
    /// RK by slot.
    public let roundKeys: [SecretBytes]
    public let check: VectorCheck
    /// Whether the vector must be the one that was committed to before: then the leaf must not differ.
    public let expectedLeaf: Digest?
}

/// What is needed to make an aggregate share.
public struct AnswerOrder: Sendable {
    public let context: RoundContext
    public let slot: Int
    /// The participants of the set, with RK of this slot.
    public let masks: [(participant: PartyID, roundKey: SecretBytes)]

    /// Puts an order together; the simulator's corrupt helpers do.
    package init(context: RoundContext, slot: Int, masks: [(participant: PartyID, roundKey: SecretBytes)]) {
        self.context = context
        self.slot = slot
        self.masks = masks
    }
}

/// What is needed to check and apply a sum.
public struct ResultOrder: Sendable {
    public let context: RoundContext
    public let configuration: RunConfiguration
    public let survivors: [PartyID]
    public let sumHash: Digest
    public let check: VectorCheck
    /// How the sum becomes the next model.
    public let application: SumApplication
}

/// What came of checking and applying a sum.
public enum ResultOutcome: Equatable, Sendable {
    /// The new parameters are durable; in a closing round they are the old ones.
    case applied(paramsHash: Digest, scale: RoundScale)
    /// The check held, and the guards show that a sum did not fit; nothing was applied.
    case overflowed
    /// The check inside the vector does not hold.
    case checkFailed
}
