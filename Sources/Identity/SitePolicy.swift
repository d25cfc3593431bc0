// SPDX-License-Identifier: MIT

public import Primitives

/// What a site does about members that its record does not know.
public enum NewMembers: String, Codable, Sendable, CaseIterable {
    /// Lets them in at once. This weakens the site's protection against invented members.
    case accept
    /// Waits for `members confirm`.
    case ask
}

/// A site's own conditions: the coordinator proposes, the policy decides and says which line refused.
///
/// Each `refusal` function returns nil when the policy has nothing against the proposal.
public struct SitePolicy: Equatable, Sendable {
    /// What to do about newcomers; `ask` by default.
    public var newMembers: NewMembers = .ask
    /// The fewest members of an epoch; by default two thirds of the largest epoch that the site has taken part in.
    public var minMembers: Int?
    /// The fewest contributions in a sum, where that is more than the protocol's own minimum.
    public var cohortFloor: Int?
    /// The smallest and the largest γ, in whole percent: the share of corrupt members that an epoch's numbers withstand.
    public var gammaMin: Int?
    public var gammaMax: Int?
    /// The ways of filling helper slots that are allowed: `all`, `pinned`, `sampled`. By default `all` and `sampled`, and
    /// `pinned` where `pinnedSlots` says how.
    public var slots: [String]?
    /// The slots of mode `pinned`, in order; a proposal has to name exactly these.
    public var pinnedSlots: [PinnedSlot]?
    /// The encodings that are allowed, `exact` or a number of bits; all by default.
    public var encodings: [String]?
    /// The hash of first parameters from a file; by default only the built-in initializer's are accepted.
    public var initialParameters: Digest?
    /// The most rounds in 24 hours.
    public var roundsPerDay: Int?
    /// The most epochs in 24 hours.
    public var epochsPerDay: Int?

    /// Starts with the defaults.
    public init() {}

    /// The name of an encoding of `bits` bits: 63 is `exact`.
    public static func encodingName(bits: Int) -> String { bits == 63 ? "exact" : "\(bits)" }

    /// The fewest members of an epoch, given the largest that the site has taken part in (0 if none).
    public func minMembers(largestEpoch: Int) -> Int {
        minMembers ?? (2 * largestEpoch + 2) / 3
    }

    /// Judges the number of members of a proposed epoch.
    public func refusal(members: Int, largestEpoch: Int) -> PolicyRefusal? {
        let minimum = minMembers(largestEpoch: largestEpoch)
        guard members < minimum else { return nil }
        let origin = minMembers == nil ? " (the default: two thirds of \(largestEpoch))" : ""
        return PolicyRefusal(line: "min_members = \(minimum)\(origin)", proposed: "\(members) members")
    }

    /// Judges the smallest number of contributions that a round may sum.
    public func refusal(cohortMin: Int) -> PolicyRefusal? {
        guard let cohortFloor, cohortMin < cohortFloor else { return nil }
        return PolicyRefusal(line: "cohort_floor = \(cohortFloor)", proposed: "cohorts from \(cohortMin)")
    }

    /// Judges γ, in whole percent, from which cohorts and confirmations are computed.
    public func refusal(gammaPercent: Int) -> PolicyRefusal? {
        let line =
            if let gammaMin, gammaPercent < gammaMin {
                "gamma_min = \(gammaMin)"
            } else if let gammaMax, gammaPercent > gammaMax {
                "gamma_max = \(gammaMax)"
            } else {
                String?.none
            }
        return line.map { PolicyRefusal(line: $0, proposed: "γ = \(gammaPercent) %") }
    }

    /// Judges how helper slots are filled.
    ///
    /// - Parameters:
    ///   - slotMode: `all`, `pinned` or `sampled`.
    ///   - pinned: the slots that the proposal names, in order; empty but in mode `pinned`.
    public func refusal(slotMode: String, pinned: [PinnedSlot]) -> PolicyRefusal? {
        let allowed = slots ?? (pinnedSlots == nil ? ["all", "sampled"] : Self.slotModes)
        guard allowed.contains(slotMode) else {
            let list = slots.map { "slots = [\($0.map { "\"\($0)\"" }.joined(separator: ", "))]" }
            return PolicyRefusal(line: list ?? "pinned_slots is not set", proposed: "slots of mode \(slotMode)")
        }
        guard slotMode == "pinned", pinned != pinnedSlots else { return nil }
        let text = pinnedSlots.map { "pinned_slots = [\($0.map(\.description).joined(separator: ", "))]" }
        return PolicyRefusal(
            line: text ?? "pinned_slots is not set",
            proposed: "the slots [\(pinned.map(\.description).joined(separator: ", "))]")
    }

    /// The names of the ways in which slots are filled.
    public static let slotModes = ["all", "pinned", "sampled"]

    /// Judges an encoding of `bits` bits (63: exact).
    public func refusal(encodingBits bits: Int) -> PolicyRefusal? {
        let name = Self.encodingName(bits: bits)
        guard let encodings, !encodings.contains(name) else { return nil }
        let list = encodings.map { "\"\($0)\"" }.joined(separator: ", ")
        return PolicyRefusal(line: "encodings = [\(list)]", proposed: "encoding \(name)")
    }

    /// Judges first parameters that come from a file instead of the built-in initializer.
    public func refusal(parametersFromFile hash: Digest) -> PolicyRefusal? {
        guard hash != initialParameters else { return nil }
        let line = initialParameters.map { "initial_parameters = \"\($0.hex)\"" } ?? "initial_parameters is not set"
        return PolicyRefusal(line: line, proposed: "parameters from a file with hash \(hash.hex)")
    }

    /// Judges one more round after `roundsToday` in the last 24 hours.
    public func refusal(roundsToday: Int) -> PolicyRefusal? {
        guard let roundsPerDay, roundsToday >= roundsPerDay else { return nil }
        return PolicyRefusal(line: "rounds_per_day = \(roundsPerDay)", proposed: "round \(roundsToday + 1) of the day")
    }

    /// Judges one more epoch after `epochsToday` in the last 24 hours.
    public func refusal(epochsToday: Int) -> PolicyRefusal? {
        guard let epochsPerDay, epochsToday >= epochsPerDay else { return nil }
        return PolicyRefusal(line: "epochs_per_day = \(epochsPerDay)", proposed: "epoch \(epochsToday + 1) of the day")
    }
}

/// A helper slot that a policy names: the party that answers for it, and the one that does when that is silent.
public struct PinnedSlot: Hashable, Sendable, CustomStringConvertible {
    public let primary: PartyID
    public let standby: PartyID

    /// Makes a slot.
    public init(primary: PartyID, standby: PartyID) {
        self.primary = primary
        self.standby = standby
    }

    /// As a policy writes it.
    public var description: String { "[\"\(primary.hex)\", \"\(standby.hex)\"]" }
}

/// A proposal that a site's policy does not allow.
public struct PolicyRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// The line of the policy that refused.
    public let line: String
    /// What was proposed.
    public let proposed: String

    public var description: String { "the site's policy refuses \(proposed): \(line)" }
}
