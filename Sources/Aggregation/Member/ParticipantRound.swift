// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives

/// A member's part in one round, as participant and as helper.
struct ParticipantRound: Sendable {
    let context: RoundContext
    let open: RoundOpen
    /// What became of this member's own vector.
    var upload: UploadPhase
    /// The signed set, once the coordinator fixed it, and the vote for it.
    var survivors: (envelope: Envelope, set: SurvivorSet, hash: Digest, vote: Envelope)?
    /// What became of the answer for this member's slot.
    var answer: AnswerPhase = .none
    /// The result that is being verified.
    var verifying: VerifyingResult?

    /// Where a participant is with its vector.
    enum UploadPhase: Sendable {
        /// Training; the next is `encoding`.
        case updating
        /// Encoding and masking the kept update; the next is `uploaded`.
        case encoding
        /// Committed to a leaf; the bytes may go out, again and again.
        case uploaded(Envelope)
        /// It uploads nothing in this round.
        case silent(SilenceCause)
    }

    /// Where a helper is with its answer.
    enum AnswerPhase: Sendable {
        /// No certificate yet.
        case none
        /// The aggregate share is being computed.
        case computing
        /// Committed to an aggregate share; the bytes may go out, again and again.
        case answered(VectorHeader, Envelope)
    }

    /// A signed result whose sum is being checked.
    struct VerifyingResult: Sendable {
        let result: RoundResult
        let trailer: Envelope
        let set: SurvivorSet
    }
}
