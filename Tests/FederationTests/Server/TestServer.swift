// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Learning
import Logging
import Messages
import Primitives
import Programs
import Reporting
import Storage
import TLS
import Transport

@testable import SMPCServer

/// A server in this process, with a state directory that is removed at the end.
final class TestServer: Sendable {
    let directory: String
    let state: ServerState
    let metrics: String
    private let portFile: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "server-\(UUID().uuidString)").path
        metrics = "\(directory)/metrics"
        portFile = "\(directory)/port"
        state = ServerState(directory: "\(directory)/fed")
        let command = try InitCommand.parse(["--state", state.directory, "--federation", "test", "--quiet"])
        try command.run()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// What an operator might choose.
    func choice(
        rounds: Int = 2, cohort: Int = 3, mode: RunChoice.Mode = .either, seed: UInt64 = 1,
        rejoinWait: Duration = .seconds(20), uploadWait: Duration = .seconds(600), cohortWait: Duration = .seconds(20)
    ) throws -> RunChoice {
        var options = try TrainingOptions.parse([])
        (options.rounds, options.model, options.seed) = (rounds, "softmax:12-4", seed)
        // Runs can be compared to the bit only in the exact encoding.
        options.encoding = "exact"
        var course = CoordinatorSettings(federation: "test", cohort: cohort)
        course.cohortWait = cohortWait
        course.rejoinWait = rejoinWait
        course.uploadDeadline = uploadWait
        return RunChoice(
            mode: mode, training: try options.resolved(Settings(environment: [:])), seeds: RunSeeds(seed: seed),
            initialFile: nil, roundsPerEpoch: 100, gammaPercent: 20, weightMax: 1024, clip: 0, settings: course)
    }

    /// Begins to serve; the task ends with the run.
    func start(
        rounds: Int = 2, cohort: Int = 3, mode: RunChoice.Mode = .either, seed: UInt64 = 1,
        rejoinWait: Duration = .seconds(20), uploadWait: Duration = .seconds(600), keepsModels: Bool = false,
        relays: RelayDesk.Limits = RelayDesk.Limits(), cohortWait: Duration = .seconds(20)
    ) throws -> Task<RunEnd, any Error> {
        try? FileManager.default.removeItem(atPath: portFile)
        let choice = try choice(
            rounds: rounds, cohort: cohort, mode: mode, seed: seed, rejoinWait: rejoinWait, uploadWait: uploadWait,
            cohortWait: cohortWait)
        var listen = try ListenOptions.parse([])
        (listen.listen, listen.discovery, listen.portFile) = (HostPort(host: "127.0.0.1", port: 0), .off, portFile)
        var run = ServerRun(
            state: state, identity: try state.identity(), store: try state.store(), choice: choice,
            hasFixedCohort: true,
            network: try listen.resolved(Settings(environment: [:])), metrics: metrics, dataset: "none",
            partition: "none", progress: Programs.Progress(style: .quiet),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        run.stallMax = .seconds(1)
        run.keepsModels = keepsModels
        run.relays = relays
        return Task { [run] in try await run.serve() }
    }

    /// Begins to serve in a process of its own; `trace` are the words before the command, such as those of strace.
    func launch(rounds: Int, cohort: Int = 3, trace: [String] = []) throws -> Process {
        try? FileManager.default.removeItem(atPath: portFile)
        // The programs lie beside the test runner.
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "smpc-server")
        let command =
            trace + [
                program.path, "run", "--state", state.directory, "--rounds", "\(rounds)", "--cohort", "\(cohort)",
                "--model", "softmax:12-4", "--encoding", "exact", "--seed", "1", "--listen", "127.0.0.1:0",
                "--discovery", "off",
                "--port-file", portFile, "--metrics", metrics, "--rejoin-wait", "20s", "--quiet",
            ]
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.standardError
        try process.run()
        return process
    }

    /// The port, once the server listens.
    func port(while process: Process? = nil) async throws -> Int {
        for _ in 0..<400 where process?.isRunning ?? true {
            if let text = try? String(contentsOfFile: portFile, encoding: .utf8),
                let port = Int(text.trimmingCharacters(in: .newlines))
            {
                return port
            }
            // The port appears in a file, so it is looked for.
            try await Task.sleep(for: .milliseconds(25))
        }
        throw CancellationError()
    }

    /// Makes a token.
    func invite(_ name: String) throws -> InvitationToken {
        let identity = try state.identity()
        let token = try InvitationToken(
            federation: identity.federation, authorityFingerprint: identity.authority.fingerprint, name: name,
            expiry: unixNow() + 600)
        try state.store().invite([token.invitation], now: unixNow())
        return token
    }

    /// Enrols over TLS, as `smpc-client join` does.
    func join(_ token: InvitationToken, key: SigningKey, port: Int) async throws -> PartyIdentity {
        let connection = try await dial(
            host: "127.0.0.1", port: port, identity: nil,
            expecting: .enrolment(federation: token.federation, authorityFingerprint: token.authorityFingerprint))
        let client = EnrolmentClient(token: token, key: key)
        let exporter = try await connection.exporter(
            label: Enrolment.exporterLabel, context: [], count: Enrolment.exporterCount)
        try await connection.send(try client.requestBytes(exporter: exporter))
        var response: [UInt8] = []
        for try await event in connection.events {
            if case .message(let bytes) = event { response = bytes }
        }
        return try client.identity(responseBytes: response, now: unixNow())
    }

    /// Makes so many members and their parties.
    ///
    /// - Parameters:
    ///   - rogue: the number of a party that tampers with what it sends.
    func parties(
        _ count: Int, port: Int, newMembers: NewMembers = .accept, rogue: Int? = nil,
        tampering: (@Sendable (TestParty.Outgoing, PartyIdentity) throws -> [TestParty.Outgoing])? = nil
    ) async throws -> [TestParty] {
        let neighbors = TestParty.Neighbors()
        let coordinator = try state.identity().key.publicKey
        var parties: [TestParty] = []
        for number in 0..<count {
            let identity = try await join(invite("site-\(number)"), key: .generate(), port: port)
            var own: (@Sendable (TestParty.Outgoing) throws -> [TestParty.Outgoing])?
            if rogue == number, let tampering { own = { try tampering($0, identity) } }
            parties.append(
                TestParty(
                    identity: identity, coordinator: coordinator, number: number, neighbors: neighbors,
                    newMembers: newMembers, tampering: own))
        }
        return parties
    }

    /// The records of the run.
    func records() throws -> RunRecords { try RunReader.read(directory: metrics) }
}
