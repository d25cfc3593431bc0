// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Both holders of every slot are asked, and their shares compared (protocol section 6, "Cross-check").
@Suite struct CrossCheckTranscriptTests {
    private func answering(_ count: Int = 6, slots: SlotChoice = .sampled) throws -> Conductor {
        var stage = try Conductor.ready(count) { settings, _ in
            settings.slots = slots
            settings.crossCheck = true
        }
        try stage.uploadAll()
        try stage.voteAll()
        return stage
    }

    /// Gives the share of a holder, with its own leaf; honest holders of a slot have the same.
    @discardableResult
    private func share(_ stage: inout Conductor, _ party: Int, leaf: UInt8) throws -> [CoordinatorAction] {
        let context = try stage.openContext()
        let slot = try #require(stage.plan.slot(heldBy: stage.id(party)))
        let (stream, log) = try stage.offer(.partial(stage.header(context, slot: slot)), party)
        let value = Stage.digest(leaf)
        return try log + stage.end(stream, leaf: value, stage.partialTrailer(party, context, leaf: value))
    }

    private func holders(_ stage: Conductor, _ slot: Int) -> [Int] { stage.plan.slots[slot].holders.map(stage.index) }

    @Test func bothHoldersAreAskedAndTheSumIsMadeWhenAllGaveTheSame() throws {
        var stage = try answering()
        #expect(stage.machine.phaseName == "partials")
        let asked = stage.facts.compactMap { if case .certified(let parties) = $0 { Set(parties) } else { nil } }
        #expect(asked == [Set(stage.plan.holders)])
        for slot in 0..<3 {
            let pair = holders(stage, slot)
            let first = stage.lines(try share(&stage, pair[1], leaf: UInt8(100 + slot)))
            #expect(first.contains { $0.hasPrefix("accept partial") }, "whoever comes first is added")
            #expect(stage.machine.phaseName == "partials")
            let lines = stage.lines(try share(&stage, pair[0], leaf: UInt8(100 + slot)))
            #expect(lines.contains { $0.hasPrefix("refuse") && $0.hasSuffix("alreadyHeld") }, "it is not added again")
            #expect(!lines.contains { $0.hasPrefix("accept") })
            #expect(lines.contains("make sum") == (slot == 2))
            if slot == 2 { #expect(lines.contains("report 3 of 3 slots compared")) }
        }
        #expect(stage.machine.phaseName == "applying")
    }

    @Test func sharesThatDifferEndTheRunWithBothStatements() throws {
        var stage = try answering()
        let context = try stage.openContext()
        for slot in [0, 2] {
            for party in holders(stage, slot) { try share(&stage, party, leaf: UInt8(100 + slot)) }
        }
        let pair = holders(stage, 1)
        try share(&stage, pair[0], leaf: 1)
        let statements = try zip(pair, [UInt8(1), 2]).map {
            try stage.partialTrailer($0, context, leaf: Stage.digest($1))
        }
        let log = try share(&stage, pair[1], leaf: 2)
        guard case .partialsDiffer(1, let first, let second)? = log.rejections.first else {
            Issue.record("no evidence: \(stage.lines(log))")
            return
        }
        #expect([first.payload, second.payload] == statements.map(\.payload))
        #expect(log.end?.outcome == .verificationFailed)
        let sentence = log.end?.sentence ?? ""
        #expect(sentence.contains("slot 1") && pair.allSatisfy { sentence.contains("site-\($0)") }, "\(sentence)")
        #expect(!stage.lines(log).contains("make sum"))
        #expect(!stage.facts.contains { if case .resultMade = $0 { true } else { false } })
        #expect(stage.machine.hasEnded)
    }

    @Test func aStandbyThatIsGoneIsReportedAndHoldsNothingUp() throws {
        var stage = try answering()
        for slot in [0, 2] {
            for party in holders(stage, slot) { try share(&stage, party, leaf: UInt8(100 + slot)) }
        }
        let pair = holders(stage, 1)
        try share(&stage, pair[0], leaf: 1)
        try stage.disconnect(pair[1])
        #expect(stage.lines(try stage.wait(.seconds(4))).isEmpty)
        let lines = stage.lines(try stage.wait(.seconds(1)))
        #expect(lines.prefix(2) == ["report slot 1 not compared with \(pair[1])", "report 2 of 3 slots compared"])
        #expect(lines.contains("make sum"))
    }

    @Test func aHolderThatIsSilentIsWaitedForUntilItsDeadline() throws {
        var stage = try answering()
        for slot in [0, 1] {
            for party in holders(stage, slot) { try share(&stage, party, leaf: UInt8(100 + slot)) }
        }
        let pair = holders(stage, 2)
        try share(&stage, pair[1], leaf: 1)
        #expect(stage.machine.nextDeadline == stage.now + .seconds(30))
        #expect(stage.lines(try stage.wait(.seconds(29))).isEmpty)
        let lines = stage.lines(try stage.wait(.seconds(1)))
        #expect(lines.contains("report slot 2 not compared with \(pair[0])") && lines.contains("make sum"))
    }

    @Test func aPrimaryThatIsGoneIsReplacedWithoutAskingAgain() throws {
        var stage = try answering()
        let pair = holders(stage, 0)
        try stage.disconnect(pair[0])
        try stage.wait(.seconds(5))
        for slot in [1, 2] {
            for party in holders(stage, slot) { try share(&stage, party, leaf: UInt8(100 + slot)) }
        }
        let lines = stage.lines(try share(&stage, pair[1], leaf: 9))
        #expect(lines.contains("report slot 0 not compared with \(pair[0])") && lines.contains("make sum"))
    }

    @Test func aHolderIsNotComparedWithItself() throws {
        var stage = try answering()
        let pair = holders(stage, 0)
        try share(&stage, pair[0], leaf: 1)
        let again = try share(&stage, pair[0], leaf: 2)
        #expect(again.refusals.contains(.alreadyHeld) && again.rejections.isEmpty && !stage.machine.hasEnded)
    }

    @Test func withoutStandbysThereIsNothingToCompare() throws {
        var stage = try answering(4, slots: .all)
        let log = try stage.answerAll()
        #expect(stage.lines(log).contains("make sum"))
        #expect(!stage.lines(log).contains { $0.contains("compared") })
    }
}
