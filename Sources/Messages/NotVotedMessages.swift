// SPDX-License-Identifier: MIT

import Foundation
import Primitives

/// Says "I have not voted under this base in this epoch, and durably never will" (protocol section 5, rule (c)).
///
/// n − q + f + 1 of these, of one epoch, show that no certificate can exist there under the base.
public struct NotVoted: SignedPayload {
    public static let name = "NotVoted"

    public let epochHash: Digest
    public let base: Digest

    /// Makes the statement.
    public init(epochHash: Digest, base: Digest) {
        self.epochHash = epochHash
        self.base = base
    }

    public var signingEpoch: Digest { epochHash }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireNotVoted(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        base = try fields.digest(wire.base, "base")
    }

    public func encoded() -> [UInt8] {
        WireNotVoted.with {
            $0.epochHash = epochHash.data
            $0.base = base.data
        }.wireBytes()
    }
}

/// Asks a member of an epoch for its `NotVoted`. Unsigned: the member looks at its own record alone.
public struct NotVotedRequest: Equatable, Sendable {
    public let epochHash: Digest
    public let base: Digest

    /// Makes the request.
    public init(epochHash: Digest, base: Digest) {
        self.epochHash = epochHash
        self.base = base
    }
}

/// Says that a member cannot sign `NotVoted`. Unsigned: a courtesy to C, which need not wait for it.
public struct NotVotedRefusal: Equatable, Sendable {
    public let epochHash: Digest
    public let base: Digest
    public let reason: NotVotedRefusalReason

    /// Makes the refusal.
    public init(epochHash: Digest, base: Digest, reason: NotVotedRefusalReason) {
        self.epochHash = epochHash
        self.base = base
        self.reason = reason
    }
}

/// Carries the `NotVoted` of members of an earlier epoch to the members of a new one, before they exchange keys.
public struct NotVotedBundle: Equatable, Sendable {
    public let epochHash: Digest
    public let base: Digest
    /// Whose statements these are; its length is checked against that epoch by who receives it.
    public let bitmap: [UInt8]
    /// In member order.
    public let statements: [Envelope]

    /// Makes a bundle.
    public init(epochHash: Digest, base: Digest, bitmap: [UInt8], statements: [Envelope]) {
        self.epochHash = epochHash
        self.base = base
        self.bitmap = bitmap
        self.statements = statements
    }
}

extension NotVotedRequest {
    init(wire: WireNotVotedRequest) throws(InvalidMessage) {
        let fields = Fields(message: "NotVotedRequest")
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        base = try fields.digest(wire.base, "base")
    }

    var wire: WireNotVotedRequest {
        .with {
            $0.epochHash = epochHash.data
            $0.base = base.data
        }
    }
}

extension NotVotedRefusal {
    init(wire: WireNotVotedRefusal) throws(InvalidMessage) {
        let fields = Fields(message: "NotVotedRefusal")
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        base = try fields.digest(wire.base, "base")
        reason = try fields.code(wire.reason, "reason")
    }

    var wire: WireNotVotedRefusal {
        .with {
            $0.epochHash = epochHash.data
            $0.base = base.data
            $0.reason = UInt32(reason.rawValue)
        }
    }
}

extension NotVotedBundle {
    init(wire: WireNotVotedBundle) throws(InvalidMessage) {
        let fields = Fields(message: "NotVotedBundle")
        epochHash = try fields.digest(wire.epochHash, "epoch_hash")
        base = try fields.digest(wire.base, "base")
        try fields.bounded(wire.bitmap.count, "bitmap", atMost: Limits.membersMax / 8 + 1)
        bitmap = [UInt8](wire.bitmap)
        statements = try envelopes(wire.statements, "NotVotedBundle")
    }

    var wire: WireNotVotedBundle {
        .with {
            $0.epochHash = epochHash.data
            $0.base = base.data
            $0.bitmap = Data(bitmap)
            $0.statements = statements.map(\.wire)
        }
    }
}
