// SPDX-License-Identifier: MIT

import ArgumentParser
import Averaging
import Identity
import Learning
import Primitives
import Programs
import Quantization
import Reporting
import Storage

/// Coordinates one plain run.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Serves a federation and averages its clients' updates in the clear.",
        discussion: """
            The federation is one that smpc-server init made: members, invitations and revocations are the same for \
            both arms, and sites join with smpc-client join while it runs. A run that was interrupted is taken up \
            after its last applied round; --resume demands that there is one, --new-run begins another in its place.

            Settings come from the option, then SUMMAND_… in the environment, then config.toml in the state directory. \
            Progress is on standard output, logs on standard error.

              fedavg server --state fed --rounds 15 --cohort 3 --metrics metrics/plain

            Exit codes: 0 done, 1 failed, 2 aborted (too few clients), 64 usage, 130 or 143 interrupted.
            """)

    @Option(
        help: ArgumentHelp("The directory that holds the federation: authority, identity, database.", valueName: "dir"),
        completion: .directory)
    var state = "fed"
    @OptionGroup(title: "Training") var training: TrainingOptions
    @Option(
        help: ArgumentHelp(
            "How updates are summed: exact, as the secure arm does with --encoding exact and to the same bits; float32; or "
                + "quantised, in the bits of --encoding as the secure arm does, but without masks and helpers. "
                + "(default: exact with --encoding exact, else float32)",
            valueName: "name")
    )
    var plain: String?
    @Option(
        help: ArgumentHelp("Begin with the parameters of this safetensors file.", valueName: "file"),
        completion: .file())
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
            "How many clients to wait for before the first round. (default: everyone invited)", valueName: "count"))
    var cohort: Int?
    @Option(
        help: ArgumentHelp(
            "How long to wait for them, from the first connection on. (default: 120s)", valueName: "duration"))
    var cohortWait: DurationOption?
    @Option(
        help: ArgumentHelp(
            "How long a run with fewer than two clients waits for one to come back. (default: 60s)",
            valueName: "duration"))
    var rejoinWait: DurationOption?
    @Option(help: ArgumentHelp("How long a round waits for updates. (default: 600s)", valueName: "duration"))
    var uploadWait: DurationOption?

    @Flag(help: "Take the unfinished run up; an error if there is none.")
    var resume = false
    @Flag(help: "Leave the unfinished run and begin another.")
    var newRun = false

    @OptionGroup(title: "Network") var network: ListenOptions
    @Option(
        help: ArgumentHelp("The directory that receives rounds.jsonl and summary.json.", valueName: "dir"),
        completion: .directory)
    var metrics: String?
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
        let passphrase = try authority.passphrase()
        let identity = try PartyIdentity.coordinator(directory: state, passphrase: passphrase)
        let settings = try Settings(file: "\(state)/config.toml")
        let lock = try StateLock(directory: state)
        let registry = try MemberRegistry(store: try ServerStore(path: "\(state)/\(ServerStore.fileName)"))
        let (checkpoint, isResumed) = try checkpoint(settings, registry)
        let metrics = try settings.optional(metrics, .metrics)
        if let metrics { try RunWriter.check(directory: metrics) }
        let run = ServerRun(
            directory: state, identity: identity, registry: registry, checkpoint: checkpoint, isResumed: isResumed,
            settings: try course(settings, registry),
            hasFixedCohort: try settings.optional(cohort, .cohort) != nil, network: try network.resolved(settings),
            metrics: metrics,
            dataset: try settings.value(dataset, .dataset, default: "unknown"),
            partition: try settings.value(partition, .partition, default: "unknown"), passphrase: passphrase,
            progress: output.progress(),
            logger: output.logger(label: "fedavg"))
        defer { withExtendedLifetime(lock) {} }
        let end = try await Interruption.exiting(
            onSignal: { _ in Console.shared.error("stopping; run it again to go on") },
            { try await run.serve() })
        switch end.outcome {
        case .completed, .converged: return
        case .aborted: throw ProgramError(.aborted, end.sentence, remedy: "run it again to go on")
        case .failed, .verificationFailed: throw ProgramError(.failed, end.sentence)
        }
    }

    private func course(
        _ settings: Settings, _ registry: MemberRegistry
    ) throws -> AveragingCoordinator.Settings {
        let minimum = AveragingCoordinator.clientsMin
        let cohort = try settings.value(
            cohort, .cohort, default: max(try registry.expectedMembers(), minimum))
        guard (minimum...1_000).contains(cohort) else {
            throw ProgramError(.usage, "\(cohort) is not in \(minimum)…1000", subject: "--cohort")
        }
        var course = AveragingCoordinator.Settings(cohort: cohort)
        course.cohortWait = try duration(settings, cohortWait, .cohortWait, course.cohortWait)
        course.rejoinWait = try duration(settings, rejoinWait, .rejoinWait, course.rejoinWait)
        course.updateWait = try duration(settings, uploadWait, .uploadWait, course.updateWait)
        return course
    }

    private func duration(
        _ settings: Settings, _ option: DurationOption?, _ key: SettingKey, _ fallback: Duration
    ) throws -> Duration {
        try settings.value(option, key, default: DurationOption(fallback)).duration
    }

    /// Takes up the unfinished run or begins another.
    private func checkpoint(
        _ settings: Settings, _ registry: MemberRegistry
    ) throws -> (Checkpoint, isResumed: Bool) {
        let asked = try training.resolved(settings)
        let sum = try sum(settings, asked)
        let file = try settings.optional(`init`, .`init`)
        if !newRun, let stored = try Checkpoint.read(directory: state), !stored.isFinished {
            if let file { try requireSame(file, stored.configuration) }
            warn(of: stored.configuration, asked, sum)
            return (try stored.withLateRecords(from: registry.store), true)
        }
        guard !resume else {
            throw ProgramError(
                .usage, "no unfinished plain run lies here", subject: state, remedy: "leave --resume out to begin one")
        }
        let clip = try settings.value(clip, .clip, default: 0)
        guard (0...1e30).contains(clip) else {
            throw ProgramError(.usage, "expected 0 or a positive number", subject: "--clip")
        }
        let weightMax = try settings.value(weightMax, .weightMax, default: EncodingParameters.weightMaxDefault)
        guard weightMax >= 1, weightMax <= 0x1p40, weightMax.significand == 1 else {
            throw ProgramError(.usage, "expected a power of two from 1 to 2^40", subject: "--weight-max")
        }
        let seeds = RunSeeds(seed: asked.seed)
        let parameters =
            try file.map { try ModelFile(path: $0).parameters(as: asked.model.layout) }
            ?? seeds.initialParameters(of: asked.model)
        let configuration = AveragingConfiguration(
            run: SecureRandom.bytes(16), model: asked.model, seeds: seeds, rounds: asked.rounds,
            optimizer: asked.optimizer.rawValue, learningRate: asked.learningRate, momentum: asked.momentum,
            batchSize: asked.batchSize, localEpochs: asked.localEpochs, clip: clip,
            weightMax: asked.weights == .uniform ? 1 : weightMax,
            initialParamsHash: file == nil ? nil : parameters.hash, sum: sum,
            bits: sum == .quantised ? Int(asked.encoding.bits) : nil)
        let position = AveragingCoordinator.Position(first: parameters, scale: try configuration.firstScale())
        return (Checkpoint(configuration: configuration, position: position, records: []), false)
    }

    private func sum(_ settings: Settings, _ asked: TrainingOptions.Resolved) throws -> PlainSum {
        let usual: PlainSum = asked.encoding.isExact ? .exact : .float32
        let name = try settings.value(plain, .plain, default: usual.rawValue)
        guard let sum = PlainSum(rawValue: name) else {
            throw ProgramError(
                .usage, "no sum is named \"\(name)\"", subject: "--plain",
                remedy: "use exact, float32, or quantised with a packed encoding")
        }
        guard sum != .quantised || !asked.encoding.isExact else {
            throw ProgramError(
                .usage, "nothing is quantised with --encoding exact", subject: "--plain quantised",
                remedy: "choose the bits with --encoding, such as 16, or use --plain exact")
        }
        return sum
    }

    /// An unfinished run goes on with its own first parameters only.
    private func requireSame(_ file: String, _ stored: AveragingConfiguration) throws {
        let hash = try ModelFile(path: file).parameters(as: stored.model.layout).hash
        guard hash != stored.initialParamsHash else { return }
        throw ProgramError(
            .usage, "the unfinished run began with other parameters", subject: "--init \(file)",
            remedy: "leave --init out to go on with it, or begin another with --new-run")
    }

    private func warn(of stored: AveragingConfiguration, _ asked: TrainingOptions.Resolved, _ sum: PlainSum) {
        guard
            sum != stored.sum || (sum == .quantised && Int(asked.encoding.bits) != stored.bits)
                || asked.contradicts(
                    rounds: stored.rounds, model: stored.model.description, seed: stored.seeds.number)
        else { return }
        output.progress().warning(
            "the run goes on as it began (model \(stored.model), \(stored.rounds) rounds, seed "
                + "\(stored.seeds.number), sum \(stored.sumDescription)); --new-run begins another")
    }
}
