// SPDX-License-Identifier: MIT

import Messages
import Primitives

/// Rule (c) of "one base, one set" where slots have standbys: how an epoch is left under an open base (protocol section 5).
extension Member {
    /// C asks for this member's word that it has not voted under a base in an epoch. That it never will is on disk before
    /// the word goes out, so that no restart undoes it; asked again, the member says the same again.
    mutating func notVotedAsked(_ request: NotVotedRequest) throws -> [MemberAction] {
        switch ledger.notVoted(epochHash: request.epochHash, base: request.base) {
        case .refused(let reason):
            let refusal = NotVotedRefusal(epochHash: request.epochHash, base: request.base, reason: reason)
            return [.send(.notVotedRefusal(refusal))]
        case .mayBeSigned(let isClosed):
            let closing = isClosed ? [] : [note(.closed(epochHash: request.epochHash, base: request.base))]
            let statement = NotVoted(epochHash: request.epochHash, base: request.base)
            return closing + [.send(.notVoted(try Signed(signing: statement, with: signer).envelope))]
        }
    }

    /// C shows what members of an earlier epoch have signed. When they are enough, by this member's own count and the keys
    /// that it kept of that epoch, no sum can be opened there, and the kept update may be sent in another one.
    mutating func notVotedShown(_ bundle: NotVotedBundle) -> [MemberAction] {
        guard ledger.needsNotVoted(epochHash: bundle.epochHash, base: bundle.base),
            let witnesses = ledger.witnesses(of: bundle.epochHash)
        else { return [] }
        guard let set = SurvivorSet(bitmap: bundle.bitmap, of: witnesses.keys.count),
            set.count == bundle.statements.count
        else { return [.reject(.resultInconsistent(field: "bitmap"))] }
        let expected = NotVoted(epochHash: bundle.epochHash, base: bundle.base)
        // Each statement is tried with the key of the one member that it is said to be of: nobody counts twice.
        let valid = zip(set.indices, bundle.statements).count { index, envelope in
            witnesses.key(at: index).flatMap {
                try? Signed<NotVoted>(opening: envelope, signedBy: $0, using: verifier).value
            }
                == expected
        }
        guard valid >= witnesses.needed || Rule.notVotedNeeded.isRemoved else {
            return [.reject(.notVotedTooFew(valid: valid, needed: witnesses.needed))]
        }
        return [note(.unopenable(epochHash: bundle.epochHash, base: bundle.base))]
    }

    /// The site's engineer has decided that the kept update may be sent again under a base (`smpc-client base release`).
    public mutating func baseReleased(_ base: Digest) -> [MemberAction] {
        ledger.releasedBase == base ? [] : [note(.released(base: base))]
    }

    /// Before the first upload in an epoch with standbys: what it takes to check the word of its members later.
    mutating func keepWitnesses() -> [MemberAction] {
        guard case .ready(let plan, _) = phase, plan.committee.hasStandbys,
            ledger.witnesses(of: plan.epochHash) == nil
        else { return [] }
        let keys = plan.proposal.members.map { Hexadecimal.encode($0.key.spki) }
        return [note(.witnesses(epochHash: plan.epochHash, keys: keys, needed: plan.committee.notVotedMin))]
    }
}

extension EpochWitnesses {
    fileprivate func key(at index: Int) -> PublicKey? {
        Hexadecimal.decode(keys[index]).flatMap { try? PublicKey(spki: $0) }
    }
}
