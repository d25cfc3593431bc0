// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// One durable fact of the coordinator: written before the bytes that depend on it go out (protocol section 5).
public enum CoordinatorFact: Equatable, Sendable, Codable {
    /// A run began with these parameters.
    case runBegan(configuration: [UInt8], chain: ModelChain)
    /// An epoch number was used.
    case epochProposed(epoch: UInt64, proposal: StoredEnvelope)
    /// The slots of the proposal were drawn from this beacon.
    case slotsDrawn(epoch: UInt64, beacon: Digest)
    /// Every member of the epoch holds its keys.
    case epochReady(epoch: UInt64)
    /// Members of the epoch are about to be asked for NotVoted: no round goes on in it.
    case epochAbandoned(epochHash: Digest)
    /// A member has signed that it has not voted, and never will, under the present base in an epoch.
    case notVoted(PartyID, StoredEnvelope)
    /// A round was opened.
    case roundOpened([UInt8])
    /// The set of the open round was fixed, with the leaves of its uploads; the sum of the uploads is stored beside it.
    case survivorsFixed(StoredEnvelope, leaves: [Digest])
    /// The certificate is about to go to these members: from here on they may have answered.
    case certified([PartyID])
    /// The open round has its result; the sum is stored beside it.
    case resultMade(StoredEnvelope)
    /// The result was applied.
    case applied(ModelChain)
    /// The result's sum overflowed: the same set sends again in the scale of a first round.
    case overflowed(ModelChain)
    /// The open round was given up.
    case skipped(StoredEnvelope, ModelChain)
    /// The run is over.
    case runEnded(RunOutcome, sentence: String)
    /// A run that was aborted is taken up where it stopped.
    case runTakenUp
}

/// An envelope in a record.
public struct StoredEnvelope: Equatable, Sendable, Codable {
    public let payload: [UInt8]
    public let signature: [UInt8]

    /// Stores an envelope.
    public init(_ envelope: Envelope) {
        payload = envelope.payload
        signature = envelope.signature
    }

    /// The envelope that was stored.
    public var envelope: Envelope { Envelope(payload: payload, signature: signature) }
}

/// Names a stream that a party opened; the shell numbers them.
public struct StreamID: Hashable, Sendable {
    public let number: Int

    /// Names a stream.
    public init(_ number: Int) { self.number = number }
}

/// Why a vector is not taken.
public enum VectorRefusal: UInt8, Equatable, Sendable {
    /// It is held already: nothing need be sent again.
    case alreadyHeld = 1
    /// It is for another round, or its header does not fit.
    case notExpected = 2
    /// Its bytes or its trailer are invalid.
    case invalid = 3
}

/// What the coordinator's shell does for its machine, in the order given; each is finished before the next begins.
public enum CoordinatorAction: Sendable {
    /// Add the vector of the stream to the sum of uploads or partials.
    case accept(StreamID, isPartial: Bool)
    /// Begin empty sums for a round of so many elements.
    case beginSums(RoundContext)
    /// Count a message that has nothing to say in this phase: it comes late or early, or speaks of a round that is over.
    /// An honest party that is slow sends such ones too.
    case discard(PartyID, message: String, phase: String)
    /// Let the stream send.
    case grant(StreamID)
    /// Subtract the partials from the uploads, store S durably, and report its leaf.
    case makeSum(RoundContext)
    /// Ask these parties for a pong.
    case ping([PartyID])
    /// Apply the stored sum of the round to the coordinator's own model, durably, and report the hashes.
    case apply(SumApplication, survivors: [PartyID], result: RoundResult)
    /// Write the fact durably.
    case record(CoordinatorFact)
    /// Refuse or drop the stream.
    case refuse(StreamID, VectorRefusal)
    /// Count and log a message that breaks the protocol.
    case reject(PartyID, PeerMisbehavior)
    /// Send to a party.
    case send(PartyID, ControlMessage)
    /// Send the addresses of all connected parties to these.
    case sendDirectory([PartyID])
    /// Stream the present parameters to a party, with the preimage of the model hash.
    case sendHandover(PartyID, HandoverHeader)
    /// Stream the sum of a round to a party.
    case sendResult(PartyID, ResultHeader, trailer: Envelope)
    /// Store the sum of the uploads durably.
    case storeUploadSum(RoundContext)
    /// Tell people.
    case report(CoordinatorReport)
    /// The run is over.
    case finish(RunEnd)
}

/// What people are told.
public enum CoordinatorReport: Equatable, Sendable {
    case epochProposed(epoch: UInt64, members: [PartyID])
    case epochReady(epoch: UInt64, committee: Committee)
    /// An epoch with standbys cannot go on without these: its members are asked for NotVoted, to go on in another one.
    case epochAbandoned(epoch: UInt64, missing: [PartyID])
    /// A slot has lost its primary, or that one is silent; its standby was asked.
    case standbyAsked(slot: Int, PartyID)
    /// Both holders of so many slots gave the same.
    case crossChecked(slots: Int, of: Int)
    /// The other holder of a slot gave nothing to compare with.
    case crossCheckMissed(slot: Int, PartyID)
    case memberLost(PartyID, phase: String)
    case waitingForReturn([PartyID], deadline: ContinuousClock.Instant)
    case roundOpened(RoundContext)
    /// A round goes on without these, as they have not uploaded within the time of the others.
    case membersLate([PartyID], round: UInt64)
    case roundSkipped(UInt64, AbortReason)
    case roundOverflowed(UInt64)
    case roundApplied(RoundContext, cohort: Int, dropouts: Int)
    case proposalRefused(by: PartyID, RefusalLine, String)
}
