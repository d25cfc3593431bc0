// SPDX-License-Identifier: MIT

/// What a round moves: model updates with metrics, or the last metrics alone (protocol section 5, "closing round").
public enum RoundKind: UInt8, Sendable, Codable {
    case training = 0
    case closing = 1
}

/// How helper slots are filled (protocol section 4, step E2).
public enum SlotMode: UInt8, Sendable, Codable {
    /// Slot k is member k alone, without a standby.
    case all = 0
    /// Pairs named by the sites' own policies.
    case pinned = 1
    /// Pairs drawn from a common beacon.
    case sampled = 2
}

/// The part in which a vector's leaf entered the root of a round (protocol section 5, step R4).
public enum VectorRole: UInt8, Sendable, Codable {
    case participant = 0
    case helper = 1
}

/// Why a round or a run cannot end although nobody need be wrong (protocol section 5, "Abort reasons are values").
public enum AbortReason: UInt8, Error, Sendable, Codable, CaseIterable {
    case belowCohortMinimum = 0
    case deadline = 1
    case lostSlot = 2
    case noQuorum = 3
    case badSignature = 4
    case checkFailed = 5
    case outsidePolicy = 6
    case possibleSecondOpening = 7
    case conflictingStatements = 8
}

/// Which check of step E1 refused a proposal: the "line" that a refusal names.
public enum RefusalLine: UInt8, Error, Sendable, Codable, CaseIterable {
    case federation = 0
    case epochNumber = 1
    case roundNumber = 2
    case unknownMember = 3
    case changedKey = 4
    case ownEntryMissing = 5
    case minMembers = 6
    case slotMode = 7
    case encoding = 8
    case cohortMin = 9
    case modelHash = 10
    case initialParameters = 11
    case policy = 12
    case model = 13
    /// This party took this very proposal before and has lost the keys of its epoch.
    case keysLost = 15
    /// γ lies outside what the site's policy allows.
    case gamma = 16
    /// The run's configuration is not the one that this party knows it by.
    case configuration = 17
    /// Not a refusal: some members have not exchanged keys with this party yet. The answer to a repeated proposal.
    case peersMissing = 18
    /// This party has taken part in as many draws of slots as it may.
    case drawLimit = 19
}

/// Why a participant stays silent in a round (protocol section 5, rules (b) and (c)).
public enum SilenceCause: UInt8, Sendable, Codable, CaseIterable {
    /// Its update under this base may have been opened elsewhere.
    case answeredUnderThisBase = 0
    /// The base is one that it has left.
    case spentBase = 1
    /// It has no data to train on, or none that gives a finite update.
    case noUpdate = 2
    /// Too few other members computed the model themselves.
    case unconfirmedHandover = 3
    /// The vector that it committed to can no longer be made, byte for byte.
    case cannotRepeat = 4
    /// The site's policy allows no more rounds today.
    case policy = 5
    /// It uploaded under this base in an earlier epoch with standbys, where a sum may still be opened.
    case mayBeOpenedElsewhere = 6
}

/// Why a member does not sign that it has not voted (protocol section 5, rule (c)).
public enum NotVotedRefusalReason: UInt8, Sendable, Codable, CaseIterable {
    /// It has voted or answered there.
    case voted = 0
    /// It has no record of this epoch, or is at other parameters.
    case noRecord = 1
}

/// How a run ended.
public enum RunOutcome: UInt8, Sendable, Codable {
    case complete = 0
    case converged = 1
    case aborted = 2
    case verificationFailed = 3
}
