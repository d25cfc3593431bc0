// SPDX-License-Identifier: MIT

import Averaging
import FiniteField
import Identity
import Learning
import Primitives
import Programs
import Quantization
import Reporting

/// The course of a plain run as a state machine: events go in, actions come out; it knows no clock, socket or disk.
///
///     gathering ──enough clients──▶ training ──all updates──▶ publishing ──all applied──▶ training, … , closing ──▶ ended
///         ▲                            │                                                               │
///         └──────fewer than two────────┴───────────────────────────────────────────────────────────────┘
///
/// A client that is lost for `lostAfter` is left out of the round; one that comes back is handed the parameters.
struct AveragingCoordinator: Sendable {
    /// What an operator decides about a run's course.
    struct Settings: Equatable, Sendable {
        /// The clients to wait for before the first round.
        var cohort: Int
        /// How long to wait for them, from the first connection on.
        var cohortWait: Duration = .seconds(120)
        /// How long clients may take for an update or an evaluation.
        var updateWait: Duration = .seconds(600)
        /// How long clients may take to apply parameters.
        var applyWait: Duration = .seconds(60)
        /// A client whose connection closed is left out after this.
        var lostAfter: Duration = .seconds(5)
        /// How long a run with too few clients waits for one to come back.
        var rejoinWait: Duration = .seconds(60)
    }

    /// The fewest clients of a round: the mean of one would be no federation.
    static let clientsMin = 2

    /// Where a run stands; durable from round to round.
    struct Position: Equatable, Sendable {
        var parameters: Parameters
        var paramsHash: Digest
        var appliedRounds = 0
        /// H("plain model", modelHash before, paramsHash), zero before the run.
        var modelHash: Digest
        /// How the next quantised round encodes; exact in other runs.
        var scale: RoundScale

        /// Begins a run.
        init(first parameters: Parameters, scale: RoundScale = .exact) {
            self.parameters = parameters
            self.scale = scale
            paramsHash = parameters.hash
            modelHash = Self.step(from: .zero, to: paramsHash)
        }

        /// Takes up a run.
        init(parameters: Parameters, appliedRounds: Int, modelHash: Digest, scale: RoundScale = .exact) {
            self.parameters = parameters
            self.scale = scale
            self.appliedRounds = appliedRounds
            self.modelHash = modelHash
            paramsHash = parameters.hash
        }

        /// Takes the parameters that a round led to.
        mutating func advance(to next: Parameters, scale: RoundScale = .exact) {
            parameters = next
            self.scale = scale
            paramsHash = next.hash
            modelHash = Self.step(from: modelHash, to: paramsHash)
            appliedRounds += 1
        }

        private static func step(from previous: Digest, to paramsHash: Digest) -> Digest {
            LabeledBytes("plain model").fixed(previous).fixed(paramsHash).hash
        }
    }

    enum Event {
        /// A client said Hello, for the first time or again.
        case connected(PartyID, holds: Digest?)
        case disconnected(PartyID)
        case updated(PartyID, ClientUpdate)
        /// As `updated`, in a quantised run.
        case sent(PartyID, ClientVector)
        case evaluated(PartyID, AveragingMessage.Evaluation)
        case applied(PartyID, AveragingMessage.Applied)
        case withdrew(PartyID, reason: String)
        /// Members were admitted or shut out: so many are expected now.
        case expects(Int)
        /// Nothing but time has passed.
        case tick
    }

    enum Action: Equatable {
        /// Send the configuration, and the parameters if the client cannot compute them.
        case configure(PartyID, handOver: Bool)
        case open(AveragingMessage.RoundOpen, [PartyID])
        /// Store position and records durably; before the parameters go out.
        case store(RunRecorder.AppliedRound, ModelFigures?)
        case publish([PartyID])
        /// As `publish`, in a quantised run: the sum that leads from the parameters before to the present ones.
        case publishSum(AveragingStreamHeader.SumHeader, bytes: [UInt8], [PartyID])
        /// Take how good the last model is: the closing round's answer.
        case measured(ModelFigures?)
        /// Count what a client spent; with the hash of the parameters, if it has applied the round that all apply.
        case report(ClientReport, applied: String?)
        /// Close the connection of a client that does not take part any more.
        case exclude(PartyID, reason: String)
        /// Tell people, of one client or of the run.
        case note(PartyID?, String)
        case end(AveragingMessage.RunEnd)
    }

    private enum Phase {
        case gathering(Gathering)
        case training(Training)
        case publishing(Waiting)
        case closing(Closing)
        case ended
    }

    /// Waits for clients.
    private struct Gathering {
        var wanted: Int
        var patience: Duration
        var deadline: Duration?
        /// Whether a run that had begun has too few clients left.
        var isRegrouping: Bool
    }

    /// Waits for these clients.
    private struct Waiting {
        var parties: Set<PartyID>
        let deadline: Duration
    }

    private struct Training {
        let open: AveragingMessage.RoundOpen
        let members: Int
        var waiting: Waiting
        var sum: UpdateSum
    }

    private struct Closing {
        let open: AveragingMessage.RoundOpen
        var waiting: Waiting
        var metrics = UpdateMetrics.zero
        var count = 0
    }

    let configuration: AveragingConfiguration
    private(set) var position: Position
    private var settings: Settings
    private var phase: Phase
    private var present: Set<PartyID> = []
    /// When clients that are waited for lost their connection.
    private var lostSince: [PartyID: Duration] = [:]

    /// Begins or takes up a run.
    init(_ configuration: AveragingConfiguration, settings: Settings, position: Position) {
        self.configuration = configuration
        self.settings = settings
        self.position = position
        phase = .gathering(
            Gathering(
                wanted: max(settings.cohort, Self.clientsMin), patience: settings.cohortWait, isRegrouping: false))
    }

    /// Whether the run has ended.
    var isEnded: Bool { if case .ended = phase { true } else { false } }

    /// Says in a few words what is waited for.
    var status: String {
        switch phase {
        case .gathering(let gathering): "waiting for clients: \(present.count) of \(gathering.wanted)"
        case .training(let round):
            "round \(round.open.round)/\(configuration.rounds): \(round.sum.count) of \(round.members) updates"
        case .publishing(let waiting):
            "round \(position.appliedRounds)/\(configuration.rounds): \(waiting.parties.count) clients still apply it"
        case .closing(let round): "last evaluation: \(round.count) of \(round.count + round.waiting.parties.count)"
        case .ended: "ended"
        }
    }

    /// Whether a client's update for a round is waited for.
    func wants(_ party: PartyID, round: Int) -> Bool {
        if case .training(let open) = phase {
            open.open.round == round && open.waiting.parties.contains(party)
        } else {
            false
        }
    }

    /// The open round of a quantised run; nil when none is open.
    var quantisedRound: QuantisedRound? {
        if case .training(let open) = phase { open.sum.round } else { nil }
    }

    /// Takes an event and says what to do, in order; each is finished before the next begins.
    mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        if isEnded { return [] }
        var actions: [Action] = []
        switch event {
        case .connected(let party, let held): connected(party, held, now, &actions)
        case .disconnected(let party):
            present.remove(party)
            lostSince[party] = now
        case .updated(let party, let update):
            add(party, round: update.round, &actions) { sum throws(QuantizationError) in
                try sum.add(update, of: party)
            }
        case .sent(let party, let sent):
            add(party, round: sent.round, &actions) { sum throws(QuantizationError) in try sum.add(sent) }
        case .evaluated(let party, let evaluation): evaluated(party, evaluation, &actions)
        case .applied(let party, let applied): self.applied(party, applied, &actions)
        case .withdrew(let party, let reason):
            actions.append(.note(party, reason))
            leaveOut(party, reason: "it withdrew", &actions)
        case .expects(let count):
            if case .gathering(var gathering) = phase, !gathering.isRegrouping {
                gathering.wanted = max(count, Self.clientsMin)
                phase = .gathering(gathering)
            }
        case .tick: break
        }
        leaveOutTheLate(now, &actions)
        proceed(now, &actions)
        return actions
    }

    // MARK: - Events

    private mutating func connected(_ party: PartyID, _ held: Digest?, _ now: Duration, _ actions: inout [Action]) {
        present.insert(party)
        lostSince[party] = nil
        // The first parameters are computed by everybody, unless they come from a file of the server's.
        let isComputable = position.appliedRounds == 0 && configuration.initialParamsHash == nil
        actions.append(.configure(party, handOver: held != position.paramsHash && !isComputable))
        switch phase {
        case .training(let round) where round.waiting.parties.contains(party):
            actions.append(.open(round.open, [party]))
        case .closing(let round) where round.waiting.parties.contains(party):
            actions.append(.open(round.open, [party]))
        case .publishing(var waiting) where held == position.paramsHash:
            // It has applied them, only its answer was lost.
            waiting.parties.remove(party)
            phase = .publishing(waiting)
        case .gathering(var gathering):
            gathering.deadline = gathering.deadline ?? now + gathering.patience
            phase = .gathering(gathering)
        default: break
        }
    }

    private mutating func add(
        _ party: PartyID, round number: Int, _ actions: inout [Action],
        _ add: (inout UpdateSum) throws(QuantizationError) -> Void
    ) {
        guard case .training(var round) = phase, round.open.round == number, round.waiting.parties.contains(party)
        else { return }
        // Two holders of the sum would make the addition copy it.
        phase = .ended
        var refusal: QuantizationError?
        do throws(QuantizationError) {
            try add(&round.sum)
            round.waiting.parties.remove(party)
        } catch {
            refusal = error
        }
        phase = .training(round)
        if let refusal { leaveOut(party, reason: "its update cannot be summed: \(refusal)", &actions) }
    }

    private mutating func evaluated(
        _ party: PartyID, _ evaluation: AveragingMessage.Evaluation, _ actions: inout [Action]
    ) {
        guard case .closing(var round) = phase, round.open.round == evaluation.round,
            round.waiting.parties.remove(party) != nil
        else { return }
        round.metrics += evaluation.metrics
        round.count += 1
        phase = .closing(round)
        actions.append(.report(evaluation.report, applied: nil))
    }

    private mutating func applied(
        _ party: PartyID, _ applied: AveragingMessage.Applied, _ actions: inout [Action]
    ) {
        guard applied.rounds == position.appliedRounds else {
            return actions.append(.report(applied.report, applied: nil))
        }
        guard applied.paramsHash == position.paramsHash else {
            return leaveOut(party, reason: "it has other parameters after round \(applied.rounds)", &actions)
        }
        var isLast = false
        if case .publishing(var waiting) = phase {
            isLast = waiting.parties.remove(party) != nil
            phase = .publishing(waiting)
        }
        actions.append(.report(applied.report, applied: isLast ? position.paramsHash.hex : nil))
    }

    // MARK: - Time and losses

    private mutating func leaveOut(_ party: PartyID, reason: String, _ actions: inout [Action]) {
        present.remove(party)
        lostSince[party] = nil
        forget(party)
        actions.append(.exclude(party, reason: reason))
    }

    private mutating func forget(_ party: PartyID) {
        switch phase {
        case .training(var round):
            round.waiting.parties.remove(party)
            phase = .training(round)
        case .publishing(var waiting):
            waiting.parties.remove(party)
            phase = .publishing(waiting)
        case .closing(var round):
            round.waiting.parties.remove(party)
            phase = .closing(round)
        case .gathering, .ended: break
        }
    }

    private var waiting: Waiting? {
        switch phase {
        case .training(let round): round.waiting
        case .publishing(let waiting): waiting
        case .closing(let round): round.waiting
        case .gathering, .ended: nil
        }
    }

    private mutating func leaveOutTheLate(_ now: Duration, _ actions: inout [Action]) {
        for (party, since) in lostSince where now >= since + settings.lostAfter {
            lostSince[party] = nil
            guard waiting?.parties.contains(party) == true else { continue }
            actions.append(.note(party, "is gone and left out of this round"))
            forget(party)
        }
        guard let waiting, now >= waiting.deadline else { return }
        for party in waiting.parties.sorted() { leaveOut(party, reason: "it took too long", &actions) }
    }

    // MARK: - The course

    /// Goes on for as long as nothing has to be waited for.
    private mutating func proceed(_ now: Duration, _ actions: inout [Action]) {
        switch phase {
        case .gathering(let gathering): proceed(gathering, now, &actions)
        case .training(let round):
            if round.waiting.parties.isEmpty { finish(round, now, &actions) }
        case .publishing(let waiting):
            if waiting.parties.isEmpty { openNext(now, &actions) }
        case .closing(let round):
            guard round.waiting.parties.isEmpty else { return }
            guard round.count >= Self.clientsMin else { return regroup(now, &actions) }
            actions.append(.measured(ModelFigures(round.metrics)))
            end(.completed, "all \(configuration.rounds) rounds are applied", &actions)
        case .ended: break
        }
    }

    private mutating func proceed(_ gathering: Gathering, _ now: Duration, _ actions: inout [Action]) {
        if present.count >= gathering.wanted { return openNext(now, &actions) }
        guard let deadline = gathering.deadline, now >= deadline else { return }
        if present.count >= Self.clientsMin {
            actions.append(
                .note(nil, "\(present.count) of \(gathering.wanted) clients are here: beginning without the rest"))
            return openNext(now, &actions)
        }
        let patience = DurationOption(gathering.patience)
        end(
            .aborted,
            gathering.isRegrouping
                ? "clients left: \(present.count), and none came back within \(patience); a round needs \(Self.clientsMin)"
                : "\(present.count) of \(gathering.wanted) clients came within \(patience); a round needs \(Self.clientsMin)",
            &actions)
    }

    private mutating func openNext(_ now: Duration, _ actions: inout [Action]) {
        guard present.count >= Self.clientsMin else { return regroup(now, &actions) }
        let isClosing = position.appliedRounds >= configuration.rounds
        let isQuantised = configuration.sum == .quantised && !isClosing
        let open = AveragingMessage.RoundOpen(
            round: position.appliedRounds + 1, isClosing: isClosing, paramsHash: position.paramsHash,
            digits: isQuantised ? RoundDigits(scale: position.scale, clients: present.count) : nil)
        let waiting = Waiting(parties: present, deadline: now + settings.updateWait)
        if isClosing {
            phase = .closing(Closing(open: open, waiting: waiting))
        } else {
            do {
                let sum = try UpdateSum(
                    configuration, members: present.count, number: open.round, base: open.paramsHash,
                    digits: open.digits)
                phase = .training(Training(open: open, members: present.count, waiting: waiting, sum: sum))
            } catch {
                return end(.failed, "\(error)", &actions)
            }
        }
        actions.append(.open(open, present.sorted()))
    }

    private mutating func finish(_ round: Training, _ now: Duration, _ actions: inout [Action]) {
        guard round.sum.count >= Self.clientsMin else { return regroup(now, &actions) }
        do {
            switch try round.sum.outcome(for: position.parameters.values) {
            case .applied(let sum): try apply(sum, of: round, now, &actions)
            case .overflowed: try repeatMoreCoarsely(round, now, &actions)
            }
        } catch {
            end(.failed, "round \(round.open.round) cannot be applied: \(error)", &actions)
        }
    }

    private mutating func apply(
        _ sum: AppliedSum, of round: Training, _ now: Duration, _ actions: inout [Action]
    ) throws {
        let before = position.paramsHash
        position.advance(
            to: try Parameters(layout: position.parameters.layout, values: sum.values), scale: sum.scale)
        let isConverged = position.paramsHash == before
        let applied = RunRecorder.AppliedRound(
            round: position.appliedRounds, paramsHash: position.paramsHash.hex, modelHash: position.modelHash.hex,
            cohort: round.sum.count, members: round.members, clipped: Int(round.sum.metrics.clipped),
            isConverged: isConverged, key: position.paramsHash.hex,
            encoding: round.open.digits.map { EncodingScale.name(bits: $0.scale.encoding.bits) },
            errorBound: sum.errorBound)
        actions.append(.store(applied, ModelFigures(round.sum.metrics)))
        guard !isConverged else {
            return end(.converged, "round \(position.appliedRounds) changed nothing more", &actions)
        }
        phase = .publishing(Waiting(parties: present, deadline: now + settings.applyWait))
        guard let digits = round.open.digits, let bytes = sum.bytes else {
            return actions.append(.publish(present.sorted()))
        }
        let header = AveragingStreamHeader.SumHeader(
            rounds: position.appliedRounds, paramsHash: position.paramsHash, digits: digits,
            elements: bytes.count / Field64.byteCount)
        actions.append(.publishSum(header, bytes: bytes, present.sorted()))
    }

    /// Asks for the same updates in the scale of a first round, which cannot overflow.
    private mutating func repeatMoreCoarsely(
        _ round: Training, _ now: Duration, _ actions: inout [Action]
    ) throws(QuantizationError) {
        let first = try configuration.firstScale()
        guard round.open.digits?.scale != first else {
            return end(
                .failed,
                "round \(round.open.round) overflowed although no sum of such updates can: a client sent others",
                &actions)
        }
        position.scale = first
        actions.append(
            .note(
                nil,
                "round \(round.open.round) overflowed: nothing is applied; the clients send again, more coarsely"))
        openNext(now, &actions)
    }

    private mutating func regroup(_ now: Duration, _ actions: inout [Action]) {
        phase = .gathering(
            Gathering(
                wanted: Self.clientsMin, patience: settings.rejoinWait, deadline: now + settings.rejoinWait,
                isRegrouping: true))
        guard present.count < Self.clientsMin else { return openNext(now, &actions) }
        actions.append(
            .note(
                nil,
                "clients left: \(present.count); waiting \(DurationOption(settings.rejoinWait)) for one to come back"
            ))
    }

    private mutating func end(_ outcome: RunOutcome, _ sentence: String, _ actions: inout [Action]) {
        phase = .ended
        actions.append(.end(AveragingMessage.RunEnd(outcome: outcome, sentence: sentence)))
    }
}

extension ModelFigures {
    /// Reads the sums of a round.
    init?(_ metrics: UpdateMetrics) {
        self.init(
            lossSum: Double(metrics.loss) / UpdateMetrics.lossUnitsPerOne, correct: metrics.correct,
            tested: metrics.tested)
    }
}
