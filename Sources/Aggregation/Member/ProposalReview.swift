// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Quantization

/// What a site decides for itself about an epoch (protocol section 4, step E1): its own rules and view of the world.
public struct SiteRules: Sendable {
    public let federation: String
    public let id: PartyID
    /// The site's policy, as its engineer wrote it.
    public var policy: SitePolicy
    /// Computes the hash of the first parameters from a configuration, or says why the site cannot train that model.
    public let initialParamsHash: @Sendable (RunConfiguration) throws(ModelRefusal) -> Digest

    /// Makes the rules of a site.
    public init(
        federation: String, id: PartyID, policy: SitePolicy,
        initialParamsHash: @escaping @Sendable (RunConfiguration) throws(ModelRefusal) -> Digest
    ) {
        self.federation = federation
        self.id = id
        self.policy = policy
        self.initialParamsHash = initialParamsHash
    }
}

/// Why a site cannot take part with a model.
public struct ModelRefusal: Error, Equatable, Sendable {
    public let line: RefusalLine
    public let detail: String

    /// Makes a refusal.
    public init(line: RefusalLine, detail: String) {
        self.line = line
        self.detail = detail
    }
}

/// Why a proposal was refused.
public struct ProposalRefusal: Error, Equatable, Sendable {
    public let line: RefusalLine
    public let detail: String
    public let parties: [PartyID]

    /// The member record with the newcomers noted as pending, when that is what changed.
    let record: MemberRecord?

    init(_ line: RefusalLine, _ detail: String, _ parties: [PartyID] = [], record: MemberRecord? = nil) {
        self.line = line
        self.detail = detail
        self.parties = parties
        self.record = record
    }
}

/// What an accepted proposal changes.
struct AcceptedProposal {
    let draft: EpochDraft
    /// The member record after the epoch's members were taken in.
    let members: MemberRecord
    /// How this party comes to the model of the epoch.
    let origin: ModelOrigin
}

/// How a party comes to the model that an epoch begins with.
enum ModelOrigin {
    /// It computed the model itself.
    case own
    /// A new run begins.
    case initial(ModelChain)
    /// It was handed over.
    case handedOver(HandoverHeader)
}

/// Checks a proposal against what this party knows itself (protocol section 4, step E1, "checks").
struct ProposalReview {
    let rules: SiteRules
    let ledger: MemberLedger
    let members: MemberRecord
    let handover: HandoverHeader?
    /// For the member record's dates.
    let unixSeconds: Int64
    /// Epochs taken part in during the last 24 hours.
    let epochsToday: Int

    func accept(_ signed: Signed<EpochProposal>) throws(ProposalRefusal) -> AcceptedProposal {
        let proposal = signed.value
        guard proposal.federation == rules.federation else {
            throw ProposalRefusal(.federation, "the proposal is for federation \(proposal.federation)")
        }
        guard proposal.epoch > ledger.largestEpoch || Rule.epochNumber.isRemoved else {
            throw ProposalRefusal(
                .epochNumber, "epoch \(proposal.epoch) is not larger than \(ledger.largestEpoch), taken before")
        }
        if let last = ledger.lastRound, proposal.round <= last.round, !Rule.roundNumber.isRemoved {
            throw ProposalRefusal(.roundNumber, "round \(proposal.round) was acted in before (\(last.round))")
        }
        let draft = try draft(of: signed)
        try checkNumbers(draft)
        let record = try checkMembers(draft)
        let origin = try origin(of: proposal)
        try checkDraws(proposal)
        return AcceptedProposal(draft: draft, members: record, origin: origin)
    }

    private func draft(of signed: Signed<EpochProposal>) throws(ProposalRefusal) -> EpochDraft {
        do {
            return try EpochDraft(signed)
        } catch {
            let proposal = signed.value
            throw ProposalRefusal(
                error,
                "slot mode \(proposal.mode) with \(proposal.slotCount) slots is not what follows from "
                    + "\(proposal.members.count) members and γ = \(proposal.configuration.gammaPercent) %")
        }
    }

    private func checkDraws(_ proposal: EpochProposal) throws(ProposalRefusal) {
        guard proposal.mode == .sampled else { return }
        if let detail = ledger.draws.refusal(unixSeconds: unixSeconds, renewals: members.renewals),
            !Rule.drawLimit.isRemoved
        {
            throw ProposalRefusal(.drawLimit, detail)
        }
    }

    private func checkNumbers(_ plan: EpochDraft) throws(ProposalRefusal) {
        let configuration = plan.proposal.configuration
        let count = plan.members.count
        guard plan.index(of: rules.id) != nil else {
            throw ProposalRefusal(.ownEntryMissing, "this party is not among the \(count) members")
        }
        guard count >= Limits.membersMin else {
            throw ProposalRefusal(.minMembers, "\(count) members; at least \(Limits.membersMin) are needed")
        }
        let policy = rules.policy
        if let refusal = policy.refusal(members: count, largestEpoch: ledger.largestMemberCount),
            !Rule.minMembers.isRemoved
        {
            throw ProposalRefusal(.minMembers, refusal.description)
        }
        if let refusal = policy.refusal(gammaPercent: configuration.gammaPercent) {
            throw ProposalRefusal(.gamma, refusal.description)
        }
        let cohortMin = configuration.cohortMin
        guard cohortMin >= plan.committee.cohortMin || Rule.cohortMinProposed.isRemoved, cohortMin <= count else {
            throw ProposalRefusal(
                .cohortMin, "cohortMin \(cohortMin) is not in \(plan.committee.cohortMin) to \(count)")
        }
        do {
            _ = try configuration.checkedEncoding(kind: .training, scale: configuration.firstScale())
        } catch {
            throw ProposalRefusal(.encoding, "encoding b = \(configuration.bits): \(error)")
        }
        let pairs = plan.proposal.pinned.map { PinnedSlot(primary: $0.primary, standby: $0.standby) }
        let refusal =
            policy.refusal(slotMode: "\(plan.proposal.mode)", pinned: pairs)
            ?? policy.refusal(cohortMin: cohortMin) ?? policy.refusal(encodingBits: Int(configuration.bits))
            ?? policy.refusal(epochsToday: epochsToday)
        if let refusal { throw ProposalRefusal(.policy, refusal.description) }
    }

    private func checkMembers(_ plan: EpochDraft) throws(ProposalRefusal) -> MemberRecord {
        var record = members
        let proposed = plan.proposal.members.map { ProposedMember(publicKey: $0.key, name: $0.name) }
        let unconfirmed = record.admit(proposed, newMembers: rules.policy.newMembers, now: unixSeconds)
        guard unconfirmed.isEmpty || Rule.memberRecord.isRemoved else {
            let names = unconfirmed.map { $0.member.name }.joined(separator: ", ")
            let changed = unconfirmed.contains { $0.doubt != .newcomer }
            throw ProposalRefusal(
                changed ? .changedKey : .unknownMember,
                "not confirmed by this site: \(names); run: smpc-client members confirm",
                unconfirmed.map { PartyID(publicKey: $0.member.publicKey) }, record: record)
        }
        return record
    }

    private func origin(of proposal: EpochProposal) throws(ProposalRefusal) -> ModelOrigin {
        let configuration = proposal.configuration
        if ledger.chain?.run == configuration.run, let known = ledger.configurationHash,
            known != configuration.identity
        {
            throw ProposalRefusal(.configuration, "the configuration of the run is not the one it began with")
        }
        if let chain = ledger.chain, chain.run == configuration.run, chain.modelHash == proposal.modelHash {
            guard chain.paramsHash == proposal.paramsHash else {
                throw ProposalRefusal(.modelHash, "the parameters' hash is not that of this party's model")
            }
            guard chain.appliedRounds == proposal.appliedRounds else {
                throw ProposalRefusal(
                    .modelHash,
                    "the proposal counts \(proposal.appliedRounds) applied rounds, this party \(chain.appliedRounds)")
            }
            return .own
        }
        let first: Digest
        do {
            first = try rules.initialParamsHash(configuration)
        } catch {
            throw ProposalRefusal(error.line, error.detail)
        }
        if ledger.chain?.run != configuration.run {
            let chain = ModelChain(
                run: configuration.run, paramsHash: first, scale: configuration.initialScale)
            let isFirst = proposal.appliedRounds == 0 && first == proposal.paramsHash
            if isFirst, chain.modelHash == proposal.modelHash { return .initial(chain) }
        }
        return .handedOver(try checkedHandover(for: proposal))
    }

    /// A handover is for parties outside the last epoch only, and must lead to the proposal's model. How many rounds were
    /// applied does not follow from the model: the proposal binds it for all members, and those that computed the model
    /// themselves, of whom this party awaits f + 1, have refused another number.
    private func checkedHandover(for proposal: EpochProposal) throws(ProposalRefusal) -> HandoverHeader {
        guard let handover, handover.configuration == proposal.configuration else {
            throw ProposalRefusal(.modelHash, "the model is not one that this party computed or was handed")
        }
        if ledger.chain?.run == proposal.configuration.run, proposal.epoch == ledger.largestEpoch + 1 {
            throw ProposalRefusal(.modelHash, "this party was in the last epoch: nothing is handed to it")
        }
        do {
            _ = try proposal.configuration.checkedEncoding(kind: .training, scale: handover.scale)
                .vectors(members: proposal.members.count)
        } catch {
            throw ProposalRefusal(.encoding, "the scale that was handed over: \(error)")
        }
        let chain = ModelChain(handedOver: handover)
        guard
            chain.modelHash == proposal.modelHash && chain.paramsHash == proposal.paramsHash
                && chain.appliedRounds == proposal.appliedRounds || Rule.modelOfHandover.isRemoved
        else {
            throw ProposalRefusal(.modelHash, "what was handed over does not lead to the proposal's model")
        }
        return handover
    }
}
