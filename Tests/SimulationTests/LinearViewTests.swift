// SPDX-License-Identifier: MIT

import FiniteField
import Primitives
import Testing

@testable import Simulation

/// What an adversary can compute from vectors that it saw, on systems small enough to solve by hand.
@Suite struct LinearViewTests {
    private let ctx = SHA256.hash([1])
    private let base = SHA256.hash([2])

    /// Two participants, two slots: mask(i, s) is named by its two numbers.
    private func uploads(_ view: inout LinearView, ctx: Digest, round: UInt8, of participants: [Int]) {
        for participant in participants {
            view.sawUpload(
                ctx: ctx, base: base, participant: participant,
                unknownMasks: (0..<2).map { [round, UInt8(participant), $0] })
        }
    }

    private func answer(_ view: inout LinearView, ctx: Digest, round: UInt8, slot: UInt8, of participants: [Int]) {
        view.sawAnswer(ctx: ctx, base: base, unknownMasks: participants.map { [round, UInt8($0), slot] })
    }

    private func functions(_ view: LinearView) -> [[Int: Field64]] { view.determined().flatMap(\.functions) }

    @Test func uploadsAloneSayNothing() {
        var view = LinearView()
        uploads(&view, ctx: ctx, round: 1, of: [0, 1, 2])
        #expect(functions(view).isEmpty)
        answer(&view, ctx: ctx, round: 1, slot: 0, of: [0, 1, 2])
        #expect(functions(view).isEmpty)
    }

    @Test func allSlotsOfOneSetOpenItsSum() {
        var view = LinearView()
        uploads(&view, ctx: ctx, round: 1, of: [0, 1, 2])
        for slot in 0..<2 { answer(&view, ctx: ctx, round: 1, slot: UInt8(slot), of: [0, 2]) }
        #expect(functions(view) == [[0: .one, 2: .one]])
    }

    @Test func slotsThatAnswerForDifferentSetsOpenNothing() {
        var view = LinearView()
        uploads(&view, ctx: ctx, round: 1, of: [0, 1, 2])
        answer(&view, ctx: ctx, round: 1, slot: 0, of: [0, 1, 2])
        answer(&view, ctx: ctx, round: 1, slot: 1, of: [0, 1])
        #expect(functions(view).isEmpty)
    }

    @Test func twoSetsOfOneBaseOpenTheirDifference() {
        var view = LinearView()
        let other = SHA256.hash([3])
        uploads(&view, ctx: ctx, round: 1, of: [0, 1, 2])
        uploads(&view, ctx: other, round: 2, of: [0, 1])
        for slot in 0..<2 {
            answer(&view, ctx: ctx, round: 1, slot: UInt8(slot), of: [0, 1, 2])
            answer(&view, ctx: other, round: 2, slot: UInt8(slot), of: [0, 1])
        }
        #expect(functions(view) == [[0: .one, 1: .one], [2: .one]])
    }

    @Test func aKnownMaskIsNone() {
        var view = LinearView()
        view.sawUpload(ctx: ctx, base: base, participant: 4, unknownMasks: [])
        #expect(functions(view) == [[4: .one]])
    }

    @Test func theSameVectorAgainIsNothingNew() {
        var view = LinearView()
        uploads(&view, ctx: ctx, round: 1, of: [0])
        uploads(&view, ctx: ctx, round: 1, of: [0])
        #expect(functions(view).isEmpty)
    }
}
