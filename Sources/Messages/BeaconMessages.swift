// SPDX-License-Identifier: MIT

import Foundation
import Primitives

/// Binds a member to its nonce for the draw of an epoch's slots, before anybody shows one (protocol section 4, step E2).
public struct BeaconCommit: SignedPayload {
    public static let name = "BeaconCommit"

    public let proposalHash: Digest
    /// H("beacon-commit", proposalHash, id, nonce).
    public let commit: Digest

    /// Makes the statement.
    public init(proposalHash: Digest, commit: Digest) {
        self.proposalHash = proposalHash
        self.commit = commit
    }

    /// The epoch's hash rests on the draw: 32 zero bytes.
    public var signingEpoch: Digest { .zero }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireBeaconCommit(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        proposalHash = try fields.digest(wire.proposalHash, "proposal_hash")
        commit = try fields.digest(wire.commit, "commit")
    }

    public func encoded() -> [UInt8] {
        WireBeaconCommit.with {
            $0.proposalHash = proposalHash.data
            $0.commit = commit.data
        }.wireBytes()
    }
}

/// Shows a member's nonce, once it holds a commit of every member (protocol section 4, step E2).
public struct BeaconReveal: SignedPayload {
    public static let name = "BeaconReveal"

    public let proposalHash: Digest
    /// 32 bytes; public from here on.
    public let nonce: Digest

    /// Makes the statement.
    public init(proposalHash: Digest, nonce: Digest) {
        self.proposalHash = proposalHash
        self.nonce = nonce
    }

    /// The epoch's hash rests on the draw: 32 zero bytes.
    public var signingEpoch: Digest { .zero }

    public init(payload: [UInt8]) throws(InvalidMessage) {
        let wire = try WireBeaconReveal(wire: payload, Self.name)
        let fields = Fields(message: Self.name)
        proposalHash = try fields.digest(wire.proposalHash, "proposal_hash")
        nonce = try fields.digest(wire.nonce, "nonce")
    }

    public func encoded() -> [UInt8] {
        WireBeaconReveal.with {
            $0.proposalHash = proposalHash.data
            $0.nonce = nonce.data
        }.wireBytes()
    }
}
