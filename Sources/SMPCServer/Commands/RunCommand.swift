// SPDX-License-Identifier: MIT

import Aggregation
import ArgumentParser
import Learning
import Messages
import Programs
import Quantization
import Reporting
import Shares
import Storage

/// Serves a federation and coordinates one run.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serves the federation and coordinates one run.",
        discussion: """
            Sites join and take part while it runs. A run that was interrupted, by whatever, is taken up where it \
            was; --resume demands that there is one, --new-run begins another in its place.

            Settings come from the option, then SUMMAND_… in the environment (--cohort-wait is SUMMAND_COHORT_WAIT), \
            then config.toml in the state directory (cohort_wait). Progress is on standard output, logs on standard \
            error. DIR of --metrics receives rounds.jsonl and summary.json; the state directory always holds the \
            present model.safetensors.

              smpc-server run --state fed --rounds 15 --cohort 10 --listen 0.0.0.0:7443 --metrics metrics/first
              smpc-server run --state fed --resume

            Exit codes: 0 done, 1 failed, 2 aborted (too few sites), 3 verification failed, 64 usage, 130 or 143 \
            interrupted.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @Option(
        help: ArgumentHelp(
            "Begin with the parameters of this safetensors file; sites must name its hash in their policies.",
            valueName: "file"))
    var `init`: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Clip each update to this L2 norm; 0 for none. (default: 0)", valueName: "number"))
    var clip: Double?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of samples of weight 1, a power of two; more are clipped to it. (default: 1048576)",
            valueName: "number"))
    var weightMax: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many sites to wait for before the first epoch. (default: everyone invited)", valueName: "count"))
    var cohort: Int?
    @Option(
        help: ArgumentHelp(
            "How long to wait for them, from the first connection on. (default: 120s)", valueName: "duration"))
    var cohortWait: DurationOption?
    @Option(
        help: ArgumentHelp(
            """
            How long to wait for a lost site without which the run cannot go on; half as long for a helper slot that has \
            lost both its sites. (default: 60s)
            """, valueName: "duration"))
    var rejoinWait: DurationOption?
    @Option(help: ArgumentHelp("The most that a round waits for uploads. (default: 600s)", valueName: "duration"))
    var uploadWait: DurationOption?
    @Option(
        help: ArgumentHelp(
            """
            The least that a round waits for slow sites when enough have uploaded: five times as long as two thirds took \
            in the slowest of the last five rounds, within these two bounds. Whoever is later is not in that sum. In \
            --slots all everybody is waited for. (default: 30s)
            """, valueName: "duration"))
    var uploadWaitMin: DurationOption?
    @Option(help: ArgumentHelp("Rounds before the keys are exchanged anew. (default: 100)", valueName: "count"))
    var roundsPerEpoch: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The share of corrupt sites that the numbers are computed for, 0 to 50 percent. (default: 20)",
            valueName: "percent"))
    var gamma: Int?
    @Option(
        help: ArgumentHelp(
            """
            How helper slots are filled: sampled (pairs drawn by lot from 4 sites on, all with 3), pinned (the pairs of \
            --pinned) or all (every site is a helper). (default: sampled)
            """, valueName: "name"))
    var slots: String?
    @Option(
        help: ArgumentHelp(
            """
            The slots of --slots pinned, by name or ID: primary+standby, one pair after the other with commas. Each \
            site's policy.toml has to name the same in pinned_slots. (default: none)
            """, valueName: "pairs"))
    var pinned: String?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Have both sites of every helper slot compute its share of the sum, and compare: a site that gives a false one \
            is noticed. Costs one vector more for each slot. (default: --no-cross-check)
            """)
    var crossCheck: Bool?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How many connections between sites that do not reach each other are relayed at one time, at most; 0 for none. \
            What passes is encrypted between the two. (default: 256)
            """, valueName: "count"))
    var relays: Int?

    @Flag(help: "Take the last run up where it stopped, an aborted one too; an error if there is none.")
    var resume = false
    @Flag(help: "End the unfinished run and begin another.")
    var newRun = false

    @Option(
        help: """
            What adds the vectors: field64 (kernels of our own) or gmp. The sums are the same; the other one checks a \
            block of each. (default: field64)
            """)
    var arithmetic: ArithmeticOption?
    @OptionGroup(title: "Network") var network: ListenOptions
    @Option(
        help: ArgumentHelp("The directory that receives rounds.jsonl and summary.json.", valueName: "dir"),
        completion: .directory)
    var metrics: String?
    @Flag(help: "Keep the model after every round in models/ of --metrics, from which fedavg measure finds the errors.")
    var keepModels = false
    @Option(help: ArgumentHelp("The name of the data, for the records only. (default: unknown)", valueName: "name"))
    var dataset: String?
    @Option(
        help: ArgumentHelp("How the data is divided, for the records only. (default: unknown)", valueName: "scheme"))
    var partition: String?
    @OptionGroup(title: "Authority") var authority: PassphraseOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        if resume, newRun { throw ValidationError("--resume and --new-run exclude each other") }
    }

    func run() async throws {
        raiseOpenFileLimit()
        let state = ServerState(directory: place.state)
        let passphrase = try authority.passphrase()
        let identity = try state.identity(passphrase: passphrase)
        let settings = try state.settings()
        let lock = try StateLock(directory: place.state)
        let store = try state.store()
        let choice = try choice(settings, store, federation: identity.federation.text)
        let network = try network.resolved(settings)
        let metrics = try settings.optional(metrics, .metrics)
        if let metrics { try RunWriter.check(directory: metrics) }
        guard metrics != nil || !keepModels else {
            throw ProgramError(
                .usage, "has no directory to keep them in", subject: "--keep-models", remedy: "name one with --metrics")
        }
        let run = ServerRun(
            state: state, identity: identity, store: store, choice: choice,
            hasFixedCohort: try settings.optional(cohort, .cohort) != nil,
            arithmetic: Arithmetic(try settings.value(arithmetic, .arithmetic, default: .field64)),
            keepsModels: keepModels, network: network,
            metrics: metrics,
            dataset: try settings.value(dataset, .dataset, default: "unknown"),
            partition: try settings.value(partition, .partition, default: "unknown"), progress: output.progress(),
            logger: output.logger(label: "smpc-server"), passphrase: passphrase,
            relays: RelayDesk.Limits(
                relaysMax: try checked(try settings.value(relays, .relays, default: 256), 0...4_096, "--relays")))
        defer { withExtendedLifetime(lock) {} }
        let end = try await Interruption.exiting(
            onSignal: { _ in Console.shared.error("stopping; run it again to go on") },
            { try await run.serve() })
        switch end.outcome {
        case .complete, .converged: return
        case .aborted: throw ProgramError(.aborted, end.sentence)
        case .verificationFailed: throw ProgramError(.verificationFailed, end.sentence)
        }
    }

    private func choice(_ settings: Settings, _ store: ServerStore, federation: String) throws -> RunChoice {
        let slots = try SlotOptions(
            name: settings.value(slots, .slots, default: "sampled"), pinned: settings.optional(pinned, .pinned)
        ).choice(among: store.members())
        let gammaPercent = try checked(try settings.value(gamma, .gamma, default: 20), 0...50, "--gamma")
        let expected = try store.members().filter { $0.revokedAt == nil }.count + store.newcomers(now: unixNow())
        let cohort = try settings.value(cohort, .cohort, default: max(expected, Limits.membersMin))
        let most = slots.membersMax(upTo: Limits.membersMax, gammaPercent: gammaPercent)
        var course = CoordinatorSettings(
            federation: federation, cohort: try checked(cohort, Limits.membersMin...most, "--cohort"))
        course.slots = slots
        course.cohortWait = try settings.value(cohortWait, .cohortWait, default: .seconds(120)).duration
        course.rejoinWait = try settings.value(rejoinWait, .rejoinWait, default: .seconds(60)).duration
        course.uploadDeadline = try settings.value(uploadWait, .uploadWait, default: .seconds(600)).duration
        let crossChecks = crossCheck.map { $0 ? SwitchOption.on : .off }
        course.crossCheck = try settings.value(crossChecks, .crossCheck, default: .off).isOn
        course.uploadWaitMin = try settings.value(uploadWaitMin, .uploadWaitMin, default: .seconds(30)).duration
        let resolved = try training.resolved(settings)
        return RunChoice(
            mode: newRun ? .new : resume ? .resume : .either, training: resolved, seeds: RunSeeds(seed: resolved.seed),
            initialFile: try settings.optional(`init`, .`init`),
            roundsPerEpoch: try checked(
                try settings.value(roundsPerEpoch, .roundsPerEpoch, default: 100), 1...1_000_000, "--rounds-per-epoch"),
            gammaPercent: gammaPercent,
            weightMax: try checkedWeight(
                try settings.value(weightMax, .weightMax, default: EncodingParameters.weightMaxDefault)),
            clip: try checkedClip(try settings.value(clip, .clip, default: 0)), settings: course)
    }

    private func checked(_ value: Int, _ range: ClosedRange<Int>, _ option: String) throws -> Int {
        guard range.contains(value) else {
            throw ProgramError(.usage, "\(value) is not in \(range.lowerBound)…\(range.upperBound)", subject: option)
        }
        return value
    }

    private func checkedWeight(_ value: Double) throws -> Double {
        guard value >= 1, value <= 0x1p40, value.significand == 1 else {
            throw ProgramError(.usage, "expected a power of two from 1 to 2^40", subject: "--weight-max")
        }
        return value
    }

    private func checkedClip(_ value: Double) throws -> Double {
        guard (0...1e30).contains(value) else {
            throw ProgramError(.usage, "expected 0 or a positive number", subject: "--clip")
        }
        return value
    }
}

extension Arithmetic {
    /// Takes the operator's choice.
    fileprivate init(_ option: ArithmeticOption) {
        self =
            switch option {
            case .field64: .field64
            case .gmp: .gmp
            }
    }
}

extension DurationOption {
    /// So many seconds.
    fileprivate static func seconds(_ count: Int) -> DurationOption { DurationOption(.seconds(count)) }
}
