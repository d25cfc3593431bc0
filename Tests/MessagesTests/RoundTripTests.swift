// SPDX-License-Identifier: MIT

import Identity
import Primitives
import Testing

@testable import Messages

/// What is encoded is what is parsed.
@Suite struct RoundTripTests {
    @Test(arguments: Samples.controlMessages.indices)
    func controlMessagesComeBack(index: Int) throws {
        let message = Samples.controlMessages[index]
        let parsed = try ControlMessage(encoded: message.encoded())
        #expect(parsed.name == message.name)
        #expect(isEqual(parsed, message), "\(message.name)")
        #expect(parsed.encoded() == message.encoded())
    }

    @Test func everyControlMessageHasASampleAndANameOfItsOwn() {
        #expect(Set(Samples.controlMessages.map(\.name)).count == 27)
    }

    @Test(arguments: Samples.streamHeaders)
    func streamHeadersComeBack(header: StreamHeader) throws {
        #expect(try StreamHeader(encoded: header.encoded()) == header)
    }

    @Test(arguments: PayloadKind.all)
    func payloadsComeBack(kind: PayloadKind) throws {
        #expect(try kind.isSample(kind.encoded()))
        #expect(try kind.again(kind.encoded()) == kind.encoded())
    }

    @Test func configurationsComeBack() throws {
        var configuration = Samples.configuration
        #expect(try RunConfiguration(encoded: configuration.encoded()) == configuration)
        configuration.initial = .file(paramsHash: Samples.digest(0xaa))
        configuration.uniformWeights = false
        configuration.clip = 0
        #expect(try RunConfiguration(encoded: configuration.encoded()) == configuration)
    }

    @Test func openedRoundsAndEnvelopesComeBackFromStorage() throws {
        #expect(try RoundOpen(encoded: Samples.open.encoded()) == Samples.open)
        #expect(try Envelope(encoded: Samples.envelope.encoded()) == Samples.envelope)
    }

    @Test func aProposalPutsItsMembersInOrder() throws {
        let proposal = try Samples.proposal()
        #expect(proposal.members.map(\.id) == proposal.members.map(\.id).sorted())
        #expect(Set(proposal.members.map(\.name)) == ["site-1", "site-2", "site-3", "site-4"])
    }

    @Test func longSentencesAreCutWhereACharacterEnds() throws {
        let long = String(repeating: "ß", count: 600)
        let end = RunEnd(outcome: .aborted, sentence: long)
        #expect(end.sentence.utf8.count == 1024)
        let wide = RunEnd(outcome: .aborted, sentence: "x" + String(repeating: "ß", count: 600))
        #expect(wide.sentence.utf8.count == 1023)
        let refusal = EpochRefusal(epoch: 1, proposalHash: .zero, line: .policy, detail: long)
        let parsed = try ControlMessage(encoded: ControlMessage.epochRefusal(refusal).encoded())
        guard case .epochRefusal(let arrived) = parsed else {
            Issue.record("\(parsed.name)")
            return
        }
        #expect(arrived == refusal)
    }

    private func isEqual(_ a: ControlMessage, _ b: ControlMessage) -> Bool {
        switch (a, b) {
        case (.applied(let a), .applied(let b)): a == b
        case (.beaconCommit(let a), .beaconCommit(let b)): a == b
        case (.beaconCommits(let a), .beaconCommits(let b)): a == b
        case (.beaconReveal(let a), .beaconReveal(let b)): a == b
        case (.beaconReveals(let a), .beaconReveals(let b)): a == b
        case (.notVotedRequest(let a), .notVotedRequest(let b)): a == b
        case (.notVoted(let a), .notVoted(let b)): a == b
        case (.notVotedRefusal(let a), .notVotedRefusal(let b)): a == b
        case (.notVotedBundle(let a), .notVotedBundle(let b)): a == b
        case (.certificate(let a), .certificate(let b)): a == b
        case (.directory(let a), .directory(let b)): a == b
        case (.epochProposal(let a), .epochProposal(let b)): a == b
        case (.epochReady(let a), .epochReady(let b)): a == b
        case (.epochReadyBundle(let a), .epochReadyBundle(let b)): a == b
        case (.epochRefusal(let a), .epochRefusal(let b)): a == b
        case (.hello(let a), .hello(let b)): a == b
        case (.roundOpen(let a), .roundOpen(let b)): a == b
        case (.runEnd(let a), .runEnd(let b)): a == b
        case (.silence(let a), .silence(let b)): a == b
        case (.skip(let a), .skip(let b)): a == b
        case (.slotDispute(let a), .slotDispute(let b)): a == b
        case (.slotReady(let a), .slotReady(let b)): a == b
        case (.slotReject(let a), .slotReject(let b)): a == b
        case (.slotSeed(let a), .slotSeed(let b)): a.statement == b.statement && a.seed == b.seed
        case (.slotSeedAck(let a), .slotSeedAck(let b)): a.statement == b.statement && a.checkShare == b.checkShare
        case (.survivors(let a), .survivors(let b)): a == b
        case (.vote(let a), .vote(let b)): a == b
        default: false
        }
    }
}
