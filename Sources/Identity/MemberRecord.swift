// SPDX-License-Identifier: MIT

public import Primitives

/// A site's own record of the members it accepts, with which every proposal is compared (protocol section 3).
///
/// The members of the first epoch are recorded on trust; later newcomers, and known names with another key, wait for
/// `members confirm`.
public struct MemberRecord: Equatable, Sendable {
    /// The most members that are kept; the protocol allows an epoch 1000.
    public static let membersMax = 2_000

    /// The members by their ID.
    public private(set) var members: [PartyID: RecordedMember]
    /// Whether the first epoch has been recorded, or the record was made from a file.
    public private(set) var isEstablished: Bool
    /// How often the site's engineer has confirmed members: what is limited for the life of a record counts anew then.
    public internal(set) var renewals = 0

    /// Starts a record that will trust the members of the first epoch.
    public init() {
        members = [:]
        isEstablished = false
    }

    /// Makes a record of members that the site knows from elsewhere: then nobody is taken on trust.
    public init(members: [RecordedMember]) {
        self.members = Dictionary(members.map { ($0.id, $0) }) { first, _ in first }
        isEstablished = true
    }

    /// The members in the order of their IDs.
    public var sorted: [RecordedMember] { members.values.sorted { $0.id < $1.id } }

    /// Whether a member with this key is confirmed.
    public func isConfirmed(_ publicKey: PublicKey) -> Bool {
        members[PartyID(publicKey: publicKey)].map { $0.state == .confirmed && $0.spki == publicKey.spki } ?? false
    }

    /// Compares the members of a proposed epoch with the record and notes newcomers.
    ///
    /// Returns those that are not accepted, empty when all are; `now` is in Unix seconds. The record has to be kept
    /// durably before the epoch goes on.
    public mutating func admit(
        _ proposed: [ProposedMember], newMembers: NewMembers, now: Int64
    ) -> [UnconfirmedMember] {
        let trusted = !isEstablished || newMembers == .accept
        var unconfirmed: [UnconfirmedMember] = []
        for member in proposed where !isConfirmed(member.publicKey) {
            let doubt = doubt(about: member)
            let accepted = trusted && note(member, state: .confirmed, now: now)
            if !accepted {
                _ = note(member, state: .pending, now: now)
                unconfirmed.append(UnconfirmedMember(member: member, doubt: doubt))
            }
        }
        if unconfirmed.isEmpty, !proposed.isEmpty { isEstablished = true }
        return unconfirmed
    }

    /// Confirms a pending member; false if the record does not hold it.
    public mutating func confirm(_ id: PartyID, now: Int64) -> Bool {
        guard var member = members[id] else { return false }
        if member.state == .pending {
            member.state = .confirmed
            member.confirmedAt = now
            members[id] = member
        }
        return true
    }

    /// Takes over what another process has confirmed in the meantime, of members that this record holds as pending.
    public mutating func keepConfirmations(of stored: MemberRecord) {
        for member in stored.members.values where member.state == .confirmed {
            guard let own = members[member.id], own.state == .pending, own.spki == member.spki else { continue }
            members[member.id] = member
        }
        renewals = max(renewals, stored.renewals)
    }

    /// The site's engineer has looked at the record and stands by it.
    public mutating func renew() { renewals += 1 }

    /// Strikes a member out; it then counts as a newcomer.
    public mutating func remove(_ id: PartyID) {
        members[id] = nil
    }

    /// Keeps a member in the given state; false if the record is full, or another key has its ID.
    private mutating func note(_ proposed: ProposedMember, state: RecordedMember.State, now: Int64) -> Bool {
        let id = PartyID(publicKey: proposed.publicKey)
        if let known = members[id], known.spki != proposed.publicKey.spki { return false }
        guard members[id] != nil || members.count < Self.membersMax else { return false }
        members[id] = RecordedMember(
            publicKey: proposed.publicKey, name: proposed.name, state: state,
            confirmedAt: state == .confirmed ? now : nil)
        return true
    }

    private func doubt(about proposed: ProposedMember) -> UnconfirmedMember.Doubt {
        let namesake = sorted.first { $0.name == proposed.name && $0.state == .confirmed }
        return namesake.map { .changedKey(previous: $0.id) } ?? .newcomer
    }
}

/// A member as an epoch's proposal names it.
public struct ProposedMember: Hashable, Sendable {
    /// Its key.
    public let publicKey: PublicKey
    /// Its name, which proves nothing.
    public let name: String

    /// Puts together what the proposal says.
    public init(publicKey: PublicKey, name: String) {
        self.publicKey = publicKey
        self.name = name
    }
}

/// A proposed member that the record does not accept.
public struct UnconfirmedMember: Equatable, Sendable {
    /// Why it is not accepted.
    public enum Doubt: Equatable, Sendable {
        /// A confirmed member of the same name has another key, and so another ID.
        case changedKey(previous: PartyID)
        /// The record has not confirmed it.
        case newcomer
    }

    /// The member.
    public let member: ProposedMember
    /// Why it is not accepted.
    public let doubt: Doubt

    /// Puts together what the record found.
    public init(member: ProposedMember, doubt: Doubt) {
        self.member = member
        self.doubt = doubt
    }
}
