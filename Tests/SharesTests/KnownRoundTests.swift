// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Shares

/// Whole rounds, made by an implementation in another language.
@Suite struct KnownRoundTests {
    @Test(arguments: ["round-exact-n3", "round-exact-n4-dropout", "closing-n3", "round-b16-n6", "round-first-b32-n4"])
    func sharesOfAWholeRound(file: String) throws {
        let known = try Known.load(file)
        let context = try known.get("ctx").bytes()
        let count = try known.get("D").int()
        var generator = SystemRandom()
        var explicit: [ExplicitShare] = []
        var masksOfSlot: [Int: [MaskStream]] = [:]

        for participant in try known.get("participants").list() {
            let masks = try participant.get("RK by slot").list().enumerated().map { slot, key in
                try MaskStream(
                    key: MaskKey(SecretBytes(key.bytes())), context: context, party: participant.get("id").bytes(),
                    slot: UInt32(slot))
            }
            for (slot, expected) in try participant.get("Mask by slot").list().enumerated() {
                #expect(masks[slot].mask(count: count) == (try expected.vector()))
                masksOfSlot[slot, default: []].append(masks[slot])
            }
            let share = try ExplicitShare(masking: participant.get("X").vector(), with: masks)
            #expect(share.vector == (try participant.get("Y").vector()))
            #expect(try leaf(of: share.vector) == participant.get("leaf").bytes())
            explicit.append(share)
        }

        var aggregates: [AggregateShare] = []
        for helper in try known.get("helpers").list() {
            let slot = try helper.get("slot").int()
            let share = try AggregateShare(of: masksOfSlot[slot] ?? [], count: count, using: &generator)
            #expect(share.slot == UInt32(slot))
            #expect(share.vector == (try helper.get("M").vector()))
            #expect(try leaf(of: share.vector) == helper.get("leaf").bytes())
            aggregates.append(share)
        }

        let sum = try AdditiveSharing.reconstruct(explicit: explicit, aggregates: aggregates, using: &generator)
        #expect(sum == (try known.get("S").vector()))
        #expect(try leaf(of: sum) == known.get("H(S)").bytes())
    }

    private func leaf(of vector: Field64Vector) throws -> [UInt8] {
        var hasher = VectorLeafHasher()
        hasher.update(vector.littleEndianBytes())
        return hasher.finalize().bytes
    }
}
