// SPDX-License-Identifier: MIT

/// Why a coordinator renews no certificate, at least not now.
public enum RenewalRefusal: Error, Hashable, Sendable, CaseIterable {
    /// The authority ends before a new certificate would be worth anything.
    case authorityEnds
    /// The request waits for the authority to sign it.
    case awaitingSignature
    /// The authority's key waits for its passphrase.
    case locked
    /// The request does not parse.
    case malformed
    /// No member has the key of the connection.
    case notAMember
}

extension RenewalRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .authorityEnds: "the federation's authority ends as soon; its operator has to replace it"
        case .awaitingSignature: "the request waits for the authority's signature; the operator brings it there"
        case .locked: "the authority's key waits for the operator's passphrase"
        case .malformed: "the coordinator does not understand the request"
        case .notAMember: "the coordinator knows no such member"
        }
    }
}

extension RenewalRefusal {
    var wire: WireRenewalRefusal.Reason {
        switch self {
        case .authorityEnds: .authorityEnds
        case .awaitingSignature: .awaitingSignature
        case .locked: .locked
        case .malformed: .malformed
        case .notAMember: .notAMember
        }
    }

    init?(wire: WireRenewalRefusal.Reason) {
        guard let refusal = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = refusal
    }
}
