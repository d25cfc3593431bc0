// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Learning
import Messages
import Programs
import Reporting
import Shares

/// Takes part in a run.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Takes part in a run: trains on this site's data and sends masked updates.",
        discussion: """
            The coordinator is found by multicast, or at --server. After an interruption, whatever its cause, the same \
            command goes on where it was: nothing is ever sent twice in two versions.

            Each option can also be set in config.toml in the state directory, or as SUMMAND_… in the environment \
            (--rejoin-wait is rejoin_wait and SUMMAND_REJOIN_WAIT); the command line wins, then the environment.

              smpc-client run --state site-a --dataset fashion-mnist --partition dirichlet:0.5 --part 0/10
              smpc-client run --state site-a --dataset csv:patients.csv --label outcome --server fl.example.org:7443

            Exit codes: 0 done, 1 failed, 2 the run was aborted, 3 a check or a signature did not hold (see evidence/ \
            in the state directory), 64 usage, 69 coordinator not reachable, 130 or 143 interrupted.
            """)

    @OptionGroup var state: StateOptions
    @OptionGroup(title: "Network") var network: NetworkOptions
    @Option(
        help: ArgumentHelp(
            "The address for other sites to connect to. (default: 0.0.0.0:0; 127.0.0.1:0 with --interface lo)",
            valueName: "host:port"))
    var listen: HostPort?
    @Option(
        help: ArgumentHelp(
            "How long to look for a coordinator that was lost before giving up with exit code 69. (default: 120s)",
            valueName: "duration"))
    var rejoinWait: DurationOption?
    @Option(
        help: """
            What adds vectors and masks: field64 (kernels of our own) or gmp. The bytes sent are the same; the other \
            one checks a block of each sum. (default: field64)
            """)
    var arithmetic: ArithmeticOption?
    @OptionGroup(title: "Data") var dataset: DatasetOptions
    @Option(
        name: .customLong("init"),
        help: ArgumentHelp(
            "A safetensors file with the first parameters, for a run that starts from one.", valueName: "file"),
        completion: .file())
    var initialFile: String?
    @Option(
        help: ArgumentHelp("A directory for this site's own rounds.jsonl.", valueName: "dir"), completion: .directory)
    var metrics: String?
    @OptionGroup(title: "Output") var output: OutputOptions

    func run() async throws {
        let directory = state.directory
        let identity = try directory.identity()
        let settings = try state.settings()
        let network = try network.resolved(settings)
        let dataset = try dataset.resolved(settings)
        let policy = try PolicyFile.read(directory.policy)
        let initialFile = try settings.optional(initialFile, .`init`)
        if let initialFile { _ = try ModelFile(path: initialFile).read() }
        let metrics = try settings.optional(metrics, .metrics)
        if let metrics { try RunWriter.check(directory: metrics) }
        let learner = LocalLearner(dataset)
        try learner.check()
        let lock = try StateLock(directory: directory.path)
        let anyPort = HostPort(host: network.interfaces == .loopback ? "127.0.0.1" : "0.0.0.0", port: 0)
        let progress = output.progress()
        try identity.requireValidCertificate(directory: directory.path, now: unixNow(), progress)
        progress.note("site \(identity.id.hex) of federation \(identity.federation)")
        let session = RunSession(
            identity: identity, store: try SiteStore(directory),
            initial: InitialModel(
                policy: policy, learner: learner, file: initialFile),
            network: network,
            rejoinWait: try settings.value(rejoinWait, .rejoinWait, default: DurationOption(.seconds(120))).duration,
            listen: try settings.value(listen, .listen, default: anyPort),
            arithmetic: Arithmetic(try settings.value(arithmetic, .arithmetic, default: .field64)),
            metrics: metrics, progress: progress,
            logger: output.logger(label: "smpc-client"))
        let end = try await Interruption.exiting(
            onSignal: { progress.note("ending after signal \($0); run again to go on") },
            { try await session.run() })
        let report = Report(outcome: "\(end.outcome)", sentence: end.sentence, model: directory.model)
        progress.result("\(end.sentence); model in \(directory.model)", report)
        withExtendedLifetime(lock) {}
    }

    /// What `--json` prints at the end.
    private struct Report: Encodable {
        let outcome: String
        let sentence: String
        let model: String
    }
}

extension Arithmetic {
    /// Takes the choice of this site.
    fileprivate init(_ option: ArithmeticOption) {
        self =
            switch option {
            case .field64: .field64
            case .gmp: .gmp
            }
    }
}
