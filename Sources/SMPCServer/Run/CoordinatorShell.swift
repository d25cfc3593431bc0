// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Identity
import Logging
import Messages
import Primitives
import Programs
import Quantization
import Reporting
import Shares
import Storage
import Transport

/// Owns the coordinator's machine: feeds it events and performs its actions in order, each finished before the next.
///
/// Nothing in here waits: what goes to a party is queued in its session, what comes from one is read by its own task.
actor CoordinatorShell {
    /// How the run came to its end.
    enum Ending: Sendable {
        case failed(any Error)
        case finished(RunEnd)
    }

    /// One event for the machine.
    typealias Event = (inout Coordinator, ContinuousClock.Instant) throws -> [CoordinatorAction]

    /// A stream that a party opened.
    struct Offered {
        let stream: IncomingStream
        let header: VectorHeader
        let isPartial: Bool
        let session: PartySession
        var reader: Task<Void, Never>?
        /// Ends a stream that brings nothing for too long.
        var watchdog: Task<Void, Never>?
        /// The vector, between its end and the machine's word on it.
        var vector: Field64Vector?

        func cancel() {
            reader?.cancel()
            watchdog?.cancel()
        }
    }

    let log: FactLog
    let files: StateFiles
    let registry: MemberRegistry
    let progress: Programs.Progress
    let logger: Logger
    let describe: @Sendable (_ membersMin: Int?) -> RunDescription
    /// How long a stream that may send may bring nothing.
    let stallMax: Duration
    /// What adds the vectors.
    let arithmetic: Arithmetic
    /// Where the model after every round is kept; nil if it is not.
    let kept: KeptModels?
    /// Joins parties that do not reach each other.
    nonisolated let relays: RelayDesk
    /// Ends with one value.
    nonisolated let endings: AsyncStream<Ending>

    var machine: Coordinator
    var model: ServerModel
    var recorder: RunRecorder
    var sums: RoundSums?
    var totals: AppliedTotals?
    /// The round whose sum overflowed, until that is recorded.
    var overflowed: RoundContext?
    var sessions: [PartyID: PartySession] = [:]
    var streams: [StreamID: Offered] = [:]
    var refusals = RefusalCounters()
    /// Whether the sum of the open round's uploads is that of an earlier process.
    var restoresUploads: Bool
    /// The epoch of each stored sum, by ctx.
    var storedSums: [Digest: Digest]
    /// The epochs whose sums are kept, the last one at the end.
    var epochs: [Digest]
    /// What the listener counted; set before the first event.
    var transport: TransportCounters?

    private let ending: AsyncStream<Ending>.Continuation
    private var queue: [Event] = []
    private var hasEnded = false
    private var timer: Task<Void, Never>?
    /// Sessions that are being closed because their parties are members no longer.
    var shutOut: Set<ObjectIdentifier> = []
    private var lastTick = ContinuousClock.now
    private var streamCount = 0

    init(
        _ run: PreparedRun, arithmetic: Arithmetic, recorder: RunRecorder, registry: MemberRegistry,
        progress: Programs.Progress,
        logger: Logger, stallMax: Duration, kept: KeptModels?, relays: RelayDesk.Limits,
        describe: @escaping @Sendable (_ membersMin: Int?) -> RunDescription
    ) {
        machine = run.machine
        model = run.model
        files = run.files
        log = run.log
        restoresUploads = run.restoresUploads
        storedSums = Dictionary(run.storedSums.map { ($0.ctx, $0.epochHash) }) { $1 }
        epochs = run.storedSums.map(\.epochHash).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        self.recorder = recorder
        self.registry = registry
        self.progress = progress
        self.logger = logger
        self.describe = describe
        self.stallMax = stallMax
        self.arithmetic = arithmetic
        self.kept = kept
        self.relays = RelayDesk(limits: relays, logger: logger)
        (endings, ending) = AsyncStream.makeStream()
    }

    /// Does what a restart demands, then waits for events.
    func start(counting transport: TransportCounters) {
        self.transport = transport
        feed { machine, _ in machine.resume() }
        restoresUploads = false
        feed { machine, now in try machine.tick(now: now) }
    }

    /// Runs an event and whatever follows from it.
    func feed(_ event: @escaping Event) {
        guard !hasEnded else { return }
        queue.append(event)
        do {
            while !queue.isEmpty, !hasEnded {
                let actions = try queue.removeFirst()(&machine, .now)
                recorder.enters(RunRecorder.Phase(rawValue: machine.phaseName))
                for action in actions { try perform(action) }
            }
        } catch {
            end(.failed(error))
        }
        closeWhoIsShutOut()
        if let gathered = machine.gathered, !hasEnded {
            progress.status("\(gathered.present) of \(gathered.wanted) sites are here")
        }
        schedule()
    }

    /// Has an event run after the actions that are being performed.
    func follow(_ event: @escaping Event) { queue.append(event) }

    /// Ends the run for this process.
    func end(_ how: Ending) {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.cancel()
        ending.yield(how)
        ending.finish()
        for session in sessions.values { session.finish() }
    }

    /// Ends this process but not the run: everybody is told to come back.
    func interrupt() async {
        hasEnded = true
        timer?.cancel()
        ending.finish()
        logRefusals()
        if let bytes = try? recorder.encoded() { try? log.store.set(RunRecorder.key, to: bytes) }
        for session in sessions.values { await session.connection.close(reason: .shutdown) }
    }

    /// Sets the timer to the machine's next deadline.
    private func schedule() {
        timer?.cancel()
        guard !hasEnded, let deadline = machine.nextDeadline(after: lastTick) else { return }
        timer = Task { [weak self] in
            // The machine has no clock: it is told when its next deadline has come.
            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
            await self?.tick()
        }
    }

    private func tick() {
        lastTick = .now
        feed { machine, now in try machine.tick(now: now) }
    }

    /// Numbers a stream.
    func nextStreamID() -> StreamID {
        streamCount += 1
        return StreamID(streamCount)
    }
}

/// What a sum said, between its application and the record of it.
struct AppliedTotals {
    let application: SumApplication
    let sum: AppliedSum
    /// The participants whose vectors are in the sum.
    let survivors: [PartyID]
}
