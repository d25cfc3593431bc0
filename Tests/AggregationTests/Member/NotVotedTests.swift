// SPDX-License-Identifier: MIT

import FiniteField
import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Rule (c) of "one base, one set" where slots have standbys, on the member's side: the word of those that have not voted
/// (protocol section 5). Of six members four must say so.
@Suite struct NotVotedTests {
    /// Six sites that have uploaded in an epoch with standbys.
    private func uploaded(_ count: Int = 6) throws -> (stage: Stage, context: RoundContext) {
        var stage = try Stage.ready(count, slots: .sampled)
        let context = try stage.openRound(1)
        return (stage, context)
    }

    private func request(_ context: RoundContext) -> ControlMessage {
        .notVotedRequest(NotVotedRequest(epochHash: context.epochHash, base: context.base))
    }

    private func bundle(_ context: RoundContext, _ indices: [Int], _ statements: [Envelope]) -> ControlMessage {
        .notVotedBundle(
            NotVotedBundle(
                epochHash: context.epochHash, base: context.base, bitmap: SurvivorSet(indices, of: 6).bitmap,
                statements: statements))
    }

    private func statement(
        _ key: SigningKey, _ context: RoundContext, epochHash: Digest? = nil, base: Digest? = nil
    ) throws -> Envelope {
        let value = NotVoted(epochHash: epochHash ?? context.epochHash, base: base ?? context.base)
        return try Signed(signing: value, with: key).envelope
    }

    /// Asks some sites, all of which say that they have not voted.
    private func words(_ stage: inout Stage, of indices: [Int], _ context: RoundContext) throws -> [Envelope] {
        try indices.flatMap { try stage.sites[$0].receive(request(context)).notVoted }
    }

    // MARK: Who is asked

    @Test func whoHasNotVotedClosesBeforeItSaysSo() throws {
        var (stage, context) = try uploaded()
        let log = try stage.sites[0].receive(request(context))
        #expect(log.lines == ["record closed", "send NotVoted"])
        let word = try Signed<NotVoted>(opening: log.notVoted[0], signedBy: stage.sites[0].key.publicKey).value
        #expect(word == NotVoted(epochHash: context.epochHash, base: context.base))
        let again = try stage.sites[0].receive(request(context))
        #expect(again.lines == ["send NotVoted"])
        #expect(again.notVoted[0].payload == log.notVoted[0].payload)
    }

    @Test func whoHasClosedNeitherVotesNorAnswersAcrossARestartEither() throws {
        for restarts in [false, true] {
            var (stage, context) = try uploaded()
            let open = try stage.open(1)
            try stage.sites[0].receive(request(context))
            if restarts {
                try stage.sites[0].restart()
                try stage.sites[0].receive(.roundOpen(open))
            }
            let survivors = try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2, 3, 4], context)))
            #expect(survivors.rejections == [.secondSet] && survivors.votes.isEmpty)
            let certificate = try stage.sites[0].receive(stage.certificate([1, 2, 3, 4, 5], [0, 1, 2, 3, 4], context))
            #expect(certificate.rejections.count == 1 && certificate.partials.isEmpty)
            #expect(!stage.sites[0].facts.contains { if case .locked = $0 { true } else { false } })
        }
    }

    /// The program dies when the promise is on disk and before the word is out: it says it when it is asked again.
    @Test func aCrashBetweenClosingAndSayingSoLosesNothing() throws {
        var (stage, context) = try uploaded()
        stage.sites[1].facts.append(.closed(epochHash: context.epochHash, base: context.base))
        try stage.sites[1].restart()
        #expect(try stage.sites[1].receive(request(context)).lines == ["send NotVoted"])
        #expect(try stage.sites[1].receive(.roundOpen(stage.open(1))).silences.isEmpty, "it may still upload here")
    }

    @Test func whoHasVotedSaysThatInstead() throws {
        for (answers, restarts) in [(false, false), (true, false), (false, true), (true, true)] {
            var (stage, context) = try uploaded()
            let set = [0, 1, 2, 3, 4]
            try stage.sites[0].receive(.survivors(stage.survivors(set, context)))
            if answers { try stage.sites[0].receive(stage.certificate([0, 1, 2, 3, 4], set, context)) }
            if restarts { try stage.sites[0].restart() }
            let facts = stage.sites[0].facts
            let log = try stage.sites[0].receive(request(context))
            #expect(log.lines == ["send NotVotedRefusal"])
            #expect(log.notVotedRefusals == [.voted])
            #expect(stage.sites[0].facts == facts)
        }
    }

    @Test func ofEpochsAndBasesWithoutARecordNothingIsSaid() throws {
        var (stage, context) = try uploaded()
        let others = [
            NotVotedRequest(epochHash: Stage.digest(1), base: context.base),
            NotVotedRequest(epochHash: context.epochHash, base: Stage.digest(1)),
        ]
        for other in others {
            let log = try stage.sites[0].receive(.notVotedRequest(other))
            #expect(log.lines == ["send NotVotedRefusal"] && log.notVotedRefusals == [.noRecord])
        }
        var newcomer = ScriptedSite(key: try Stage.key(77), coordinator: stage.coordinator.publicKey)
        #expect(try newcomer.receive(request(context)).notVotedRefusals == [.noRecord])
        #expect(newcomer.facts.isEmpty)
    }

    // MARK: Who is shown

    @Test func theWordOfEnoughLetsTheSameUpdateGo() throws {
        var (stage, first) = try uploaded()
        let words = try words(&stage, of: [1, 2, 4, 5], first)
        let update = stage.sites[0].update
        #expect(try stage.sites[0].receive(bundle(first, [1, 2, 4, 5], words)).lines == ["record unopenable"])
        #expect(try stage.sites[0].receive(bundle(first, [1, 2, 4, 5], words)).lines.isEmpty, "once is enough")
        try stage.sites[0].restart()
        try stage.enterEpoch(2, round: 5)
        let log = try stage.sites[0].receive(.roundOpen(stage.open(5)))
        #expect(log.lines.first == "record entered" && log.lines.last == "send Upload", "\(log.lines)")
        #expect(log.facts.contains(.closed(epochHash: first.epochHash, base: first.base)))
        #expect(stage.sites[0].update == update && stage.sites[0].updatesMade == 1)
        // Who was shown nothing stays silent.
        #expect(try stage.sites[3].receive(.roundOpen(stage.open(5))).silences == [.mayBeOpenedElsewhere])
    }

    /// Its own vote cannot make a certificate when enough others never vote.
    @Test func whoHasVotedItselfMayRestOnTheWordOfOthers() throws {
        var (stage, first) = try uploaded()
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2, 3, 4], first)))
        let words = try words(&stage, of: [1, 2, 3, 4], first)
        try stage.sites[0].receive(bundle(first, [1, 2, 3, 4], words))
        try stage.enterEpoch(2, round: 5)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).uploads.count == 1)
        #expect(try stage.sites[0].receive(request(first)).notVotedRefusals == [.voted], "closed, and yet it has voted")
    }

    @Test(arguments: NotVotedForgery.allCases)
    func wordsThatAreNoneOpenNothing(forgery: NotVotedForgery) throws {
        var (stage, first) = try uploaded()
        var indices = [1, 2, 4, 5]
        var keys = indices.map { stage.sites[$0].key }
        var statements = try keys.map { try statement($0, first) }
        switch forgery {
        case .tooFew:
            indices.removeLast()
            statements.removeLast()
        case .invented: keys = try (91...94).map { try Stage.key($0) }
        case .ofTheCoordinator: statements[3] = try statement(stage.coordinator, first)
        case .ofOneMemberTwice: statements[3] = statements[2]
        case .ofAnotherBase: statements[0] = try statement(keys[0], first, base: Stage.digest(3))
        case .ofAnotherEpoch: statements[0] = try statement(keys[0], first, epochHash: Stage.digest(3))
        case .signedUnderAnotherEpoch:
            // The payload names this epoch, and the signature was made under another one.
            let value = NotVoted(epochHash: first.epochHash, base: first.base)
            let input = signatureInput(NotVoted.name, epoch: Stage.digest(3), payload: value.encoded())
            statements[0] = Envelope(payload: value.encoded(), signature: try keys[0].sign(input))
        case .aVoteInstead: statements[0] = try stage.vote(1, [0, 1, 2, 3, 4], first)
        case .moreThanTheBitmap: indices = [1, 2, 4]
        }
        if forgery == .invented { statements = try keys.map { try statement($0, first) } }
        let facts = stage.sites[0].facts
        let log = try stage.sites[0].receive(bundle(first, indices, statements))
        let expected: PeerMisbehavior =
            switch forgery {
            case .moreThanTheBitmap: .resultInconsistent(field: "bitmap")
            case .invented: .notVotedTooFew(valid: 0, needed: 4)
            default: .notVotedTooFew(valid: 3, needed: 4)
            }
        #expect(log.rejections == [expected])
        #expect(stage.sites[0].facts == facts)
        try stage.enterEpoch(2, round: 5)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).silences == [.mayBeOpenedElsewhere])
    }

    @Test func bundlesWithAnotherBitmapAreRefused() throws {
        var (stage, first) = try uploaded()
        let words = try words(&stage, of: [1, 2, 3, 4], first)
        for bitmap: [UInt8] in [[], [0x1e, 0], [0x5e], [0xde]] {
            let message = ControlMessage.notVotedBundle(
                NotVotedBundle(epochHash: first.epochHash, base: first.base, bitmap: bitmap, statements: words))
            #expect(try rejections(&stage, message) == [.resultInconsistent(field: "bitmap")])
        }
    }

    /// Each epoch in which it uploaded needs the word of its own members.
    @Test func twoEpochsBackEachIsShown() throws {
        var (stage, first) = try uploaded()
        let ofFirst = try words(&stage, of: [1, 2, 3, 4], first)
        for index in stage.sites.indices { try stage.sites[index].receive(bundle(first, [1, 2, 3, 4], ofFirst)) }
        try stage.enterEpoch(2, round: 5)
        let second = try stage.openRound(5)
        #expect(second.base == first.base && stage.sites.allSatisfy { $0.uploads[second.ctx] != nil })
        let ofSecond = try words(&stage, of: [0, 2, 4, 5], second)
        try stage.enterEpoch(3, round: 9)
        let open = try stage.open(9)
        #expect(try stage.sites[0].receive(.roundOpen(open)).silences == [.mayBeOpenedElsewhere])
        // Words of the first epoch are none of the second, also for the first one's members.
        let mixed = try stage.sites[1].receive(bundle(second, [1, 2, 3, 4], ofFirst))
        #expect(mixed.rejections == [.notVotedTooFew(valid: 0, needed: 4)])
        try stage.sites[1].receive(bundle(second, [0, 2, 4, 5], ofSecond))
        #expect(try stage.sites[1].receive(.roundOpen(open)).uploads.count == 1)
        #expect(stage.sites[1].updatesMade == 1)
        // In the first epoch, two back, its members still say the same.
        #expect(try stage.sites[1].receive(request(first)).lines == ["send NotVoted"])
        #expect(try stage.sites[5].receive(request(first)).notVoted.count == 1)
    }

    @Test func whatIsShownBeforeAnythingWasUploadedSaysNothing() throws {
        var stage = try Stage.ready(6, slots: .sampled)
        stage.sites[0].trainsAtOnce = false
        let context = try stage.openRound(1)
        let words = try words(&stage, of: [1, 2, 3, 4], context)
        #expect(try stage.sites[0].receive(bundle(context, [1, 2, 3, 4], words)).lines.isEmpty)
    }

    // MARK: The engineer's decision

    @Test func aReleasedBaseLetsTheSameUpdateGoAndNoOther() throws {
        var (stage, first) = try uploaded()
        try stage.enterEpoch(2, round: 5)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).silences == [.mayBeOpenedElsewhere])
        let update = stage.sites[0].update
        #expect(try stage.sites[0].perform(stage.sites[0].member.baseReleased(first.base)).lines == ["record released"])
        #expect(try stage.sites[0].perform(stage.sites[0].member.baseReleased(first.base)).isEmpty)
        try stage.enterEpoch(3, round: 9)
        try stage.sites[0].restart()
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(9))).uploads.count == 1)
        #expect(stage.sites[0].update == update && stage.sites[0].updatesMade == 1)
        #expect(try stage.sites[1].receive(.roundOpen(stage.open(9))).silences == [.mayBeOpenedElsewhere])
    }

    @Test func anotherBaseIsNotReleasedWithIt() throws {
        var (stage, _) = try uploaded()
        _ = try stage.sites[0].perform(stage.sites[0].member.baseReleased(Stage.digest(5)))
        try stage.enterEpoch(2, round: 5)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).silences == [.mayBeOpenedElsewhere])
    }

    /// Rule (b) is not the engineer's to lift: a base that was left stays left.
    @Test func aBaseThatWasLeftStaysLeftWhenItIsReleased() throws {
        var stage = try Stage.ready(3)
        let first = try stage.runRound(1)
        _ = try stage.sites[0].perform(stage.sites[0].member.baseReleased(first.base))
        #expect(
            stage.sites[0].ledger.uploadPermission(epochHash: Stage.digest(9), base: first.base) == .silent(.spentBase))
    }

    @Test func whoHasAnsweredMayBeReleasedToo() throws {
        var stage = try Stage.ready(4)
        let first = try stage.openRound(1)
        try stage.sites[0].receive(.survivors(stage.survivors([0, 1, 2], first)))
        try stage.sites[0].receive(stage.certificate([0, 1, 2, 3], [0, 1, 2], first))
        try stage.enterEpoch(2, round: 5)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(5))).silences == [.answeredUnderThisBase])
        _ = try stage.sites[0].perform(stage.sites[0].member.baseReleased(first.base))
        try stage.enterEpoch(3, round: 9)
        #expect(try stage.sites[0].receive(.roundOpen(stage.open(9))).uploads.count == 1)
    }

    @Test func theNumbersNeededAreThoseOfTheProtocol() {
        let needed = [4, 5, 6, 10].map { Committee.sampled(members: $0, gammaPercent: 20).notVotedMin }
        #expect(needed == [3, 3, 4, 6])
        // With f liars among them a certificate lacks a vote, whatever n and γ are.
        for count in 4...200 {
            for gamma in stride(from: 0, through: 50, by: 5) {
                let committee = Committee.sampled(members: count, gammaPercent: gamma)
                let voters = committee.memberCount - committee.notVotedMin + committee.corruptMax
                #expect(voters == committee.quorum - 1)
            }
        }
    }
}

/// Statements that must not count.
enum NotVotedForgery: CaseIterable {
    case tooFew, invented, ofTheCoordinator, ofOneMemberTwice, ofAnotherBase, ofAnotherEpoch, signedUnderAnotherEpoch
    case aVoteInstead, moreThanTheBitmap
}

extension [MemberAction] {
    fileprivate var notVoted: [Envelope] {
        sent.compactMap { if case .notVoted(let envelope) = $0 { envelope } else { nil } }
    }

    fileprivate var notVotedRefusals: [NotVotedRefusalReason] {
        sent.compactMap { if case .notVotedRefusal(let refusal) = $0 { refusal.reason } else { nil } }
    }
}
