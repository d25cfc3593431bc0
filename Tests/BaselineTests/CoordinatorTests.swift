// SPDX-License-Identifier: MIT

import Identity
import Learning
import Primitives
import Programs
import Quantization
import Reporting
import Testing

@testable import Averaging
@testable import Baseline

/// Transcripts: event, expected actions, next event.
@Suite struct CoordinatorTests {
    private typealias Action = AveragingCoordinator.Action

    private let a: PartyID
    private let b: PartyID
    private let c: PartyID

    init() throws {
        a = try #require(PartyID(bytes: [UInt8](repeating: 1, count: 16)))
        b = try #require(PartyID(bytes: [UInt8](repeating: 2, count: 16)))
        c = try #require(PartyID(bytes: [UInt8](repeating: 3, count: 16)))
    }

    private func machine(
        cohort: Int = 2, rounds: Int = 1, initialFromFile: Bool = false
    ) throws -> AveragingCoordinator {
        var configuration = try Samples.configuration(rounds: rounds)
        let first = try configuration.seeds.initialParameters(of: configuration.model)
        if initialFromFile { configuration.initialParamsHash = first.hash }
        return AveragingCoordinator(
            configuration, settings: .init(cohort: cohort), position: .init(first: first))
    }

    private func update(_ round: Int, step: Float = 0.25, clipped: Int64 = 0) -> ClientUpdate {
        ClientUpdate(
            round: round, weight: 8, metrics: UpdateMetrics(loss: 1_024, correct: 6, tested: 8, clipped: clipped),
            delta: [Float](repeating: step, count: 15))
    }

    private func applied(_ machine: AveragingCoordinator) -> AveragingMessage.Applied {
        .init(
            rounds: machine.position.appliedRounds, paramsHash: machine.position.paramsHash, report: Samples.report)
    }

    private func evaluation(_ round: Int) -> AveragingMessage.Evaluation {
        .init(
            round: round, metrics: UpdateMetrics(loss: 512, correct: 7, tested: 8, clipped: 0), report: Samples.report)
    }

    /// A machine whose first round is open to both.
    private func opened(_ parties: [PartyID], rounds: Int = 1) throws -> AveragingCoordinator {
        var machine = try machine(cohort: parties.count, rounds: rounds)
        for party in parties { _ = machine.handle(.connected(party, holds: nil), at: .zero) }
        return machine
    }

    @Test func aRunFromItsFirstClientToItsEnd() throws {
        var machine = try machine()
        let base = machine.position.paramsHash
        #expect(machine.handle(.connected(a, holds: nil), at: .zero) == [.configure(a, handOver: false)])
        let open = AveragingMessage.RoundOpen(round: 1, isClosing: false, paramsHash: base)
        #expect(
            machine.handle(.connected(b, holds: nil), at: .seconds(1))
                == [.configure(b, handOver: false), .open(open, [a, b])])
        #expect(machine.handle(.updated(b, update(1)), at: .seconds(2)).isEmpty)
        let actions = machine.handle(.updated(a, update(1, clipped: 1)), at: .seconds(3))
        let position = machine.position
        #expect(position.appliedRounds == 1 && position.paramsHash != base)
        let round = RunRecorder.AppliedRound(
            round: 1, paramsHash: position.paramsHash.hex, modelHash: position.modelHash.hex, cohort: 2, members: 2,
            clipped: 1, isConverged: false, key: position.paramsHash.hex)
        // 2·1024 units of loss over 16 samples, 12 of them right: the model before the round.
        #expect(
            actions == [.store(round, ModelFigures(lossSum: 2, correct: 12, tested: 16)), .publish([a, b])])
        #expect(
            machine.handle(.applied(b, applied(machine)), at: .seconds(4))
                == [.report(Samples.report, applied: position.paramsHash.hex)])
        let closing = AveragingMessage.RoundOpen(round: 2, isClosing: true, paramsHash: position.paramsHash)
        #expect(
            machine.handle(.applied(a, applied(machine)), at: .seconds(5))
                == [.report(Samples.report, applied: position.paramsHash.hex), .open(closing, [a, b])])
        #expect(
            machine.handle(.evaluated(a, evaluation(2)), at: .seconds(6))
                == [.report(Samples.report, applied: nil)])
        #expect(
            machine.handle(.evaluated(b, evaluation(2)), at: .seconds(7)) == [
                .report(Samples.report, applied: nil),
                .measured(ModelFigures(lossSum: 1, correct: 14, tested: 16)),
                .end(.init(outcome: .completed, sentence: "all 1 rounds are applied")),
            ])
        #expect(machine.isEnded)
        #expect(machine.handle(.tick, at: .seconds(900)).isEmpty)
    }

    @Test func aClientLostForFiveSecondsIsLeftOut() throws {
        var machine = try opened([a, b, c])
        _ = machine.handle(.updated(a, update(1)), at: .seconds(1))
        _ = machine.handle(.updated(b, update(1)), at: .seconds(1))
        #expect(machine.handle(.disconnected(c), at: .seconds(2)).isEmpty)
        #expect(machine.handle(.tick, at: .seconds(6.9)).isEmpty)
        let actions = machine.handle(.tick, at: .seconds(7))
        guard case .store(let round, _) = actions.dropFirst().first else {
            Issue.record("no round was applied: \(actions)")
            return
        }
        #expect(actions.first == .note(c, "is gone and left out of this round"))
        #expect(round.cohort == 2 && round.members == 3)
        #expect(actions.last == .publish([a, b]))
    }

    @Test func aClientThatIsBackInTimeIsAskedAgain() throws {
        var machine = try opened([a, b])
        let open = AveragingMessage.RoundOpen(round: 1, isClosing: false, paramsHash: machine.position.paramsHash)
        _ = machine.handle(.disconnected(b), at: .seconds(1))
        #expect(
            machine.handle(.connected(b, holds: nil), at: .seconds(3))
                == [.configure(b, handOver: false), .open(open, [b])])
        #expect(machine.handle(.tick, at: .seconds(30)).isEmpty)
    }

    @Test func aClientThatMissedARoundIsHandedTheParameters() throws {
        var machine = try opened([a, b], rounds: 2)
        let first = machine.position.paramsHash
        _ = machine.handle(.updated(a, update(1)), at: .seconds(1))
        _ = machine.handle(.updated(b, update(1)), at: .seconds(1))
        #expect(
            machine.handle(.connected(c, holds: first), at: .seconds(2)) == [.configure(c, handOver: true)])
        #expect(
            machine.handle(.connected(c, holds: machine.position.paramsHash), at: .seconds(2))
                == [.configure(c, handOver: false)])
        _ = machine.handle(.applied(a, applied(machine)), at: .seconds(3))
        let actions = machine.handle(.applied(b, applied(machine)), at: .seconds(3))
        let open = AveragingMessage.RoundOpen(round: 2, isClosing: false, paramsHash: machine.position.paramsHash)
        #expect(actions.last == .open(open, [a, b, c]))
    }

    @Test func parametersOfAFileAreHandedToEverybody() throws {
        var machine = try machine(initialFromFile: true)
        #expect(machine.handle(.connected(a, holds: nil), at: .zero) == [.configure(a, handOver: true)])
    }

    @Test func oneClientAloneWaitsAndThenTheRunIsAborted() throws {
        var machine = try opened([a, b])
        _ = machine.handle(.updated(a, update(1)), at: .seconds(1))
        _ = machine.handle(.disconnected(b), at: .seconds(1))
        #expect(
            machine.handle(.tick, at: .seconds(6)) == [
                .note(b, "is gone and left out of this round"),
                .note(nil, "clients left: 1; waiting 60s for one to come back"),
            ])
        #expect(machine.handle(.tick, at: .seconds(65)).isEmpty)
        let sentence = "clients left: 1, and none came back within 60s; a round needs 2"
        #expect(machine.handle(.tick, at: .seconds(66)) == [.end(.init(outcome: .aborted, sentence: sentence))])
    }

    @Test func theRoundBeginsAgainWhenAClientComesBack() throws {
        var machine = try opened([a, b])
        _ = machine.handle(.disconnected(b), at: .seconds(1))
        _ = machine.handle(.updated(a, update(1)), at: .seconds(1))
        _ = machine.handle(.tick, at: .seconds(6))
        let open = AveragingMessage.RoundOpen(round: 1, isClosing: false, paramsHash: machine.position.paramsHash)
        #expect(
            machine.handle(.connected(c, holds: nil), at: .seconds(20))
                == [.configure(c, handOver: false), .open(open, [a, c])])
    }

    @Test func theRunBeginsWithoutThoseWhoDoNotCome() throws {
        var machine = try machine(cohort: 3)
        _ = machine.handle(.connected(a, holds: nil), at: .seconds(100))
        _ = machine.handle(.connected(b, holds: nil), at: .seconds(110))
        #expect(machine.handle(.tick, at: .seconds(219)).isEmpty)
        let actions = machine.handle(.tick, at: .seconds(220))
        #expect(actions.first == .note(nil, "2 of 3 clients are here: beginning without the rest"))
        #expect(actions.count == 2)
    }

    @Test func theCohortFollowsTheMembers() throws {
        var machine = try machine(cohort: 3)
        _ = machine.handle(.connected(a, holds: nil), at: .zero)
        _ = machine.handle(.connected(b, holds: nil), at: .zero)
        #expect(machine.handle(.expects(2), at: .seconds(1)).count == 1)
    }

    @Test func lateRepeatedAndForeignUpdatesAreDropped() throws {
        var machine = try opened([a, b])
        #expect(machine.handle(.updated(a, update(2)), at: .zero).isEmpty)
        #expect(machine.handle(.updated(c, update(1)), at: .zero).isEmpty)
        #expect(machine.handle(.updated(a, update(1)), at: .zero).isEmpty)
        #expect(machine.handle(.updated(a, update(1)), at: .zero).isEmpty)
        #expect(!machine.wants(a, round: 1) && machine.wants(b, round: 1) && !machine.wants(b, round: 2))
        #expect(machine.position.appliedRounds == 0)
    }

    @Test func aClientWithAnImpossibleUpdateIsExcluded() throws {
        var machine = try opened([a, b, c])
        var broken = update(1)
        broken.delta[3] = .nan
        let actions = machine.handle(.updated(b, broken), at: .seconds(1))
        #expect(
            actions == [
                .exclude(
                    b,
                    reason: "its update cannot be summed: coordinate 3 of the update is infinite or not a number")
            ])
        _ = machine.handle(.updated(a, update(1)), at: .seconds(2))
        #expect(machine.handle(.updated(c, update(1)), at: .seconds(2)).last == .publish([a, c]))
    }

    @Test func aClientWithOtherParametersIsExcluded() throws {
        var machine = try opened([a, b, c])
        for party in [a, b, c] { _ = machine.handle(.updated(party, update(1)), at: .seconds(1)) }
        let other = AveragingMessage.Applied(rounds: 1, paramsHash: Samples.hash, report: Samples.report)
        #expect(
            machine.handle(.applied(c, other), at: .seconds(2))
                == [.exclude(c, reason: "it has other parameters after round 1")])
    }

    @Test func aRoundThatChangesNothingEndsTheRun() throws {
        var machine = try opened([a, b], rounds: 5)
        _ = machine.handle(.updated(a, update(1, step: 0)), at: .seconds(1))
        let actions = machine.handle(.updated(b, update(1, step: 0)), at: .seconds(1))
        #expect(
            actions.last == .end(.init(outcome: .converged, sentence: "round 1 changed nothing more")))
        guard case .store(let round, _) = actions.first else {
            Issue.record("the round was not stored: \(actions)")
            return
        }
        #expect(round.isConverged)
    }

    @Test func whoTakesTooLongIsLeftOut() throws {
        var machine = try opened([a, b, c])
        _ = machine.handle(.updated(a, update(1)), at: .seconds(1))
        _ = machine.handle(.updated(b, update(1)), at: .seconds(1))
        let actions = machine.handle(.tick, at: .seconds(600))
        #expect(actions.first == .exclude(c, reason: "it took too long"))
        #expect(actions.last == .publish([a, b]))
    }

    @Test func theChainOfModelsBindsEveryRound() throws {
        let first = try Samples.configuration().seeds.initialParameters(of: try ModelSpec(parsing: "softmax:4-3"))
        var position = AveragingCoordinator.Position(first: first)
        let begin = position.modelHash
        position.advance(to: first)
        #expect(position.appliedRounds == 1)
        #expect(position.modelHash == LabeledBytes("plain model").fixed(begin).fixed(first.hash).hash)
    }

    // MARK: Quantised

    /// A client's vector for an open round; `clients` other than the round's make one that no honest client sends.
    private func sent(
        _ open: AveragingMessage.RoundOpen, step: Float = 0.01, clients: Int? = nil,
        _ configuration: AveragingConfiguration
    ) throws -> ClientVector {
        var digits = try #require(open.digits)
        digits.clients = clients ?? digits.clients
        let round = try QuantisedRound(configuration, number: open.round, base: open.paramsHash, digits: digits)
        let update = TrainedUpdate(
            delta: [Float](repeating: step, count: 15), samples: 8,
            evaluation: Evaluation(lossSum: 1, correct: 6, tested: 8))
        let bytes = try round.encode(update, seed: SecretBytes([UInt8](repeating: 1, count: 32)))
        return ClientVector(round: open.round, vector: try round.vector(bytes, of: "VectorHeader"))
    }

    /// A quantised run of seven bits, and how its first round opened.
    private func quantised() throws -> (AveragingCoordinator, AveragingConfiguration, AveragingMessage.RoundOpen) {
        let configuration = try Samples.configuration(rounds: 2, sum: .quantised, bits: 7)
        let first = try configuration.seeds.initialParameters(of: configuration.model)
        var machine = AveragingCoordinator(
            configuration, settings: .init(cohort: 2),
            position: .init(first: first, scale: try configuration.firstScale()))
        _ = machine.handle(.connected(a, holds: nil), at: .zero)
        let open = try opened(machine.handle(.connected(b, holds: nil), at: .zero))
        return (machine, configuration, open)
    }

    /// What the last of these actions opens.
    private func opened(_ actions: [Action]) throws -> AveragingMessage.RoundOpen {
        guard case .open(let open, [a, b])? = actions.last else {
            Issue.record("no round was opened: \(actions)")
            throw CancellationError()
        }
        return open
    }

    @Test func aQuantisedRoundSendsItsSumAndTheNextFollowsItsScale() throws {
        var (machine, configuration, open) = try quantised()
        #expect(open.digits == RoundDigits(scale: try configuration.firstScale(), clients: 2))
        #expect(machine.handle(.sent(a, try sent(open, configuration)), at: .zero).isEmpty)
        let actions = machine.handle(.sent(b, try sent(open, configuration)), at: .zero)
        guard case .store(let round, let figures)? = actions.first,
            case .publishSum(let header, let bytes, [a, b])? = actions.last
        else {
            Issue.record("no sum was published: \(actions)")
            return
        }
        #expect(round.encoding == "32" && (round.errorBound ?? 0) > 0 && round.cohort == 2)
        #expect(figures == ModelFigures(lossSum: 2, correct: 12, tested: 16))
        #expect(header.paramsHash == machine.position.paramsHash && header.rounds == 1)
        #expect(header.digits == open.digits && bytes.count == 8 * header.elements)
        _ = machine.handle(.applied(a, applied(machine)), at: .zero)
        let next = try opened(machine.handle(.applied(b, applied(machine)), at: .zero))
        let scale = try #require(next.digits?.scale)
        #expect(scale.encoding.bits == 7 && !scale.isFirst && scale == machine.position.scale)
    }

    @Test func aRoundThatOverflowsIsRepeatedInTheScaleOfAFirstOne() throws {
        var (machine, configuration, open) = try quantised()
        for party in [a, b] { _ = machine.handle(.sent(party, try sent(open, configuration)), at: .zero) }
        _ = machine.handle(.applied(a, applied(machine)), at: .zero)
        open = try opened(machine.handle(.applied(b, applied(machine)), at: .zero))
        let before = machine.position.parameters
        // A thousand times what the scale leaves room for.
        _ = machine.handle(.sent(a, try sent(open, step: 10, configuration)), at: .zero)
        let actions = machine.handle(.sent(b, try sent(open, step: 10, configuration)), at: .zero)
        guard case .note(nil, let text)? = actions.first else {
            Issue.record("nothing is said: \(actions)")
            return
        }
        #expect(text.hasPrefix("round 2 overflowed") && machine.position.parameters == before)
        let again = try opened(actions)
        #expect(try again.round == 2 && again.digits?.scale == configuration.firstScale())
        _ = machine.handle(.sent(a, try sent(again, step: 10, configuration)), at: .zero)
        let applied = machine.handle(.sent(b, try sent(again, step: 10, configuration)), at: .zero)
        guard case .store(let round, _)? = applied.first else {
            Issue.record("the round was not applied: \(applied)")
            return
        }
        #expect(round.round == 2 && round.encoding == "32")
        #expect(abs(machine.position.parameters.values[0] - before.values[0] - 10) < 1e-3)
    }

    @Test func aFirstRoundThatOverflowsEndsTheRun() throws {
        let (begun, configuration, open) = try quantised()
        var machine = begun
        var actions: [Action] = []
        for party in [a, b] {
            actions = machine.handle(.sent(party, try sent(open, step: 1e10, clients: 1, configuration)), at: .zero)
        }
        guard case .end(let end)? = actions.last else {
            Issue.record("the run goes on: \(actions)")
            return
        }
        #expect(end.outcome == .failed && end.sentence.contains("although no sum of such updates can"))
    }
}
