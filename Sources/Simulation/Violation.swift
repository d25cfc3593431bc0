// SPDX-License-Identifier: MIT

/// What must not happen in any run, whatever the faults and the lies.
public enum Violation: Equatable, Sendable, CustomStringConvertible {
    /// What the adversary saw determines more of the honest updates under a base than sums over disjoint sets.
    case moreThanOneSum(base: String, determined: Int)
    /// What it saw determines the sum over too few honest updates.
    case sumOfTooFew(base: String, honest: Int)
    /// A party uploaded two different updates under one base.
    case twoUpdates(party: Int, base: String)
    /// A party uploaded two different vectors in one round.
    case twoVectors(party: Int, ctx: String)
    /// A party uploaded an update of parameters that no honest party has computed.
    case strangeBase(party: Int, base: String)
    /// A party uploaded in a round whose ctx names another encoding than the one that it computes and used.
    case strangeEncoding(party: Int, ctx: String)
    /// A sum was applied that is not the sum of the updates of its set.
    case wrongSum(party: Int, ctx: String)
    /// A set that was summed holds updates of different bases.
    case mixedBases(ctx: String)
    /// Two honest parties are on different models.
    case modelsDiffer(first: Int, second: Int, at: String)
    /// An honest party holds evidence against another honest one.
    case honestAccused(by: String, of: String)
    /// A party went on after two statements that cannot both be honest.
    case contradictionAccepted(party: Int, what: String)
    /// An honest party signed two statements that are evidence against it.
    case contradictsItself(party: String, what: String)
    /// A party acted under one number in two rounds, or went back to an earlier one.
    case roundNumberAgain(party: Int, round: UInt64)
    /// The slots were drawn from a nonce that was chosen with the others in view.
    case drawWasChosen(epoch: UInt64)
    /// A party took part in more draws than it may.
    case tooManyDraws(party: Int, draws: Int)
    /// A check failed although nobody touched a vector.
    case checkFailed(party: Int)
    /// Enough parties were alive, the faults were over, and the run did not go on.
    case noProgress(String)
    /// A machine threw where nothing may.
    case machineFailed(String)

    public var description: String {
        switch self {
        case .moreThanOneSum(let base, let determined):
            "an honest update is in more than one of the \(determined) sums that the adversary determines under base \(base)"
        case .sumOfTooFew(let base, let honest):
            "under base \(base) the adversary determines a sum of only \(honest) honest updates"
        case .twoUpdates(let party, let base): "site \(party) uploaded two updates under base \(base)"
        case .twoVectors(let party, let ctx): "site \(party) uploaded two vectors in round \(ctx)"
        case .strangeBase(let party, let base):
            "site \(party) uploaded under base \(base), which nobody honest computed"
        case .strangeEncoding(let party, let ctx):
            "site \(party) uploaded in round \(ctx) in another encoding than the round's"
        case .wrongSum(let party, let ctx): "site \(party) applied a wrong sum in round \(ctx)"
        case .mixedBases(let ctx): "the set of round \(ctx) holds updates of different bases"
        case .modelsDiffer(let first, let second, let at): "sites \(first) and \(second) are on different models \(at)"
        case .honestAccused(let by, let of): "\(by) holds evidence against \(of), and both are honest"
        case .contradictionAccepted(let party, let what): "site \(party) went on after \(what)"
        case .contradictsItself(let party, let what): "\(party) is honest and signed \(what)"
        case .roundNumberAgain(let party, let round): "site \(party) acted again under the number of round \(round)"
        case .drawWasChosen(let epoch):
            "the slots of epoch \(epoch) were drawn from a nonce chosen with the others in view"
        case .tooManyDraws(let party, let draws): "site \(party) took part in \(draws) draws"
        case .checkFailed(let party): "the check failed at site \(party), and nobody had touched a vector"
        case .noProgress(let why): "no progress: \(why)"
        case .machineFailed(let what): "a machine failed: \(what)"
        }
    }
}
