// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// Says how a message that parses breaks the protocol; it is refused and counted, and nothing changes.
public enum PeerMisbehavior: Error, Equatable, Sendable {
    /// A certificate has fewer valid votes than the quorum.
    case certificateTooSmall(valid: Int, quorum: Int)
    /// Two signed statements of one party that cannot both be honest; both are kept.
    case conflictingStatements(of: String, first: Envelope, second: Envelope)
    /// The message names an encoding that this party did not compute.
    case encodingMismatch
    /// The message does not parse or its signature does not verify.
    case invalid(InvalidMessage)
    /// The leaf of this party's upload is missing from a result, or another one stands in its place.
    case leafMismatch(party: PartyID)
    /// The message names a model that this party did not compute.
    case modelMismatch
    /// Too few members say that they have not voted for a certificate to be impossible.
    case notVotedTooFew(valid: Int, needed: Int)
    /// The sender is not a member of the epoch, or not the party that may send this.
    case notEntitled(message: String)
    /// The message is not expected in the phase that this machine is in.
    case outOfPhase(message: String, phase: String)
    /// The holders of one slot have given different aggregate shares: one of them is wrong, and nobody can say which.
    case partialsDiffer(slot: Int, first: Envelope, second: Envelope)
    /// The root or the sum's hash of a result does not follow from what it lists.
    case resultInconsistent(field: String)
    /// The round lies outside the epoch, or before one that this party acted in.
    case roundOutOfOrder(round: UInt64)
    /// The set has fewer members than cohortMin.
    case setTooSmall(count: Int, cohortMin: Int)
    /// Another set, or any, would open a second sum under one base.
    case secondSet
    /// A vector was announced, let go, and did not come.
    case stalled(message: String)
    /// The epoch named is not the one that this party is in.
    case wrongEpoch(message: String)
    /// The ctx named is not that of the open round.
    case wrongRound(message: String)
}
