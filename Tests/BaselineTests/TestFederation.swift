// SPDX-License-Identifier: MIT

import Averaging
import Foundation
import Identity
import Learning
import Logging
import Primitives
import Programs
import Quantization
import Reporting
import Storage

@testable import Baseline

/// A federation in one process: a server and clients over real TLS on loopback, with state directories of their own.
final class TestFederation: Sendable {
    let directory: String
    let sites: Int
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    var state: String { "\(directory)/fed" }
    var metrics: String { "\(directory)/metrics" }
    private var portFile: String { "\(directory)/port" }

    /// Makes authority, server and sites; all of them are members.
    init(sites: Int) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "fedavg-\(UUID().uuidString)").path
        self.sites = sites
        let now = unixNow()
        let name = FederationName("test")
        let authority = try CertificateAuthority.create(federation: name!, now: now)
        try authority.save(directory: "\(directory)/fed")
        let key = try PartyIdentity.key(directory: "\(directory)/fed")
        try PartyIdentity(
            key: key, certificate: try authority.issueCoordinator(publicKey: key.publicKey, now: now),
            authority: authority.certificate
        ).save(directory: "\(directory)/fed")
        let store = try ServerStore(path: "\(directory)/fed/\(ServerStore.fileName)")
        for site in 0..<sites {
            let key = try PartyIdentity.key(directory: "\(directory)/site-\(site)")
            let certificate = try authority.issueParty(publicKey: key.publicKey, name: "site-\(site)", now: now)
            try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
                .save(directory: "\(directory)/site-\(site)")
            try store.enrol(
                StoredMember(
                    id: PartyID(publicKey: key.publicKey), name: "site-\(site)", spki: key.publicKey.spki,
                    certificate: certificate.der, enrolledAt: now))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Begins a run, or takes up the one that is stored.
    func serve(_ configuration: AveragingConfiguration, port: Int = 0) throws -> Task<RunOutcome, any Error> {
        try? FileManager.default.removeItem(atPath: portFile)
        let store = try ServerStore(path: "\(state)/\(ServerStore.fileName)")
        let stored = try Checkpoint.read(directory: state)?.withLateRecords(from: store)
        let first = try configuration.seeds.initialParameters(of: configuration.model)
        let position = AveragingCoordinator.Position(first: first, scale: try configuration.firstScale())
        var settings = AveragingCoordinator.Settings(cohort: sites)
        settings.lostAfter = .milliseconds(500)
        settings.rejoinWait = .seconds(20)
        var listen = try ListenOptions.parse([])
        (listen.listen, listen.discovery) = (HostPort(host: "127.0.0.1", port: UInt16(port)), .off)
        listen.portFile = portFile
        let run = ServerRun(
            directory: state, identity: try PartyIdentity.load(directory: state),
            registry: try MemberRegistry(store: store),
            checkpoint: stored ?? Checkpoint(configuration: configuration, position: position, records: []),
            isResumed: stored != nil, settings: settings, hasFixedCohort: true,
            network: try listen.resolved(Settings(environment: [:])), metrics: metrics, dataset: "synthetic",
            partition: "iid", progress: Progress(style: .quiet), logger: logger)
        return Task { try await run.serve().outcome }
    }

    /// The port, once the server listens.
    func port() async throws -> Int {
        for _ in 0..<400 {
            let text = try? String(contentsOfFile: portFile, encoding: .utf8)
            if let port = text.flatMap({ Int($0.trimmingCharacters(in: .newlines)) }) { return port }
            // The port appears in a file, so it is looked for.
            try await Task.sleep(for: .milliseconds(25))
        }
        throw CancellationError()
    }

    /// The part of the data that a site has.
    func data(_ site: Int) throws -> DatasetOptions.Resolved {
        let words = ["--dataset", "synthetic:600,4,3", "--partition", "dirichlet:1", "--part", "\(site)/\(sites)"]
        return try DatasetOptions.parse(words).resolved(Settings(environment: [:]))
    }

    /// Starts the client of a site.
    func start(_ site: Int, port: Int) throws -> Task<Void, any Error> {
        let run = ClientRun(
            directory: "\(directory)/site-\(site)",
            identity: try PartyIdentity.load(directory: "\(directory)/site-\(site)"), data: try data(site),
            network: NetworkOptions.Resolved(
                server: HostPort(host: "127.0.0.1", port: UInt16(port)), wait: .seconds(20), discovery: false,
                interfaces: .loopback),
            progress: Progress(style: .quiet), logger: logger)
        return Task { try await run.serve() }
    }

    /// Waits until the server has stored so many rounds.
    func reached(rounds: Int) async throws {
        for _ in 0..<800 {
            if let checkpoint = try Checkpoint.read(directory: state),
                checkpoint.position.appliedRounds >= rounds
            {
                return
            }
            // The checkpoint appears in a file, so it is looked for.
            try await Task.sleep(for: .milliseconds(10))
        }
        throw CancellationError()
    }

    /// The parameters that a process left.
    func model(_ name: String, _ spec: ModelSpec) throws -> Parameters {
        try ModelFile(path: "\(directory)/\(name)/model.safetensors").parameters(as: spec.layout)
    }

    /// Computes the run without server, network or `UpdateSum`: the parameters after each round, all sites in each.
    func expectedModels(_ configuration: AveragingConfiguration) throws -> [Parameters] {
        let trainings = try (0..<sites).map { site in
            try LocalTraining(
                try data(site), spec: configuration.model, hyperparameters: try configuration.hyperparameters(),
                seeds: configuration.seeds)
        }
        var model = try configuration.seeds.initialParameters(of: configuration.model)
        return try (1...configuration.rounds).map { round in
            let updates = try trainings.map { training -> (weight: Double, delta: [Float]) in
                let trained = try training.train(model, number: round)
                let weight = roundedToTwoBinaryDigits(training.data.training.count)
                return (Double(weight), zip(trained.values, model.values).map { $0 - $1 })
            }
            let total = updates.map(\.weight).reduce(0, +)
            let values = model.values.indices.map { index -> Float in
                let sum = updates.map { update in
                    Int64((Double(update.delta[index]) * (update.weight / 0x1p20) * 0x1p40).rounded(.toNearestOrEven))
                }.reduce(0, +)
                return Float(Double(model.values[index]) + Double(sum) / 0x1p40 * (0x1p20 / total))
            }
            model = try Parameters(layout: model.layout, values: values)
            return model
        }
    }
}
