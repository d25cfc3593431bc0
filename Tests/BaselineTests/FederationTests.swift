// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Learning
import Programs
import Reporting
import Testing

@testable import Baseline

/// Whole plain runs over real TLS.
@Suite(.timeLimit(.minutes(2))) struct FederationTests {
    @Test func everyRoundIsTheWeightedMeanInExactIntegers() async throws {
        let federation = try TestFederation(sites: 3)
        let configuration = try Samples.configuration(rounds: 3)
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<3).map { try federation.start($0, port: port) }
        #expect(try await server.value == .completed)
        for client in clients { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        #expect(try run.summary.paramsHashes == federation.expectedModels(configuration).map(\.hash.hex))
        #expect(run.summary.description.arm == .normal && run.summary.description.discovery == .server)
        #expect(run.summary.description.clients == 3 && run.summary.outcome == .completed)
        #expect(run.rounds.allSatisfy { $0.cohort == 3 && $0.dropouts == 0 && $0.bytesUpTotal > 0 })
        #expect(run.rounds.last.map { $0.accuracy > 0.5 && $0.loss < 1 } == true)
        let model = try federation.model("fed", configuration.model)
        #expect(model.hash.hex == run.summary.paramsHashes.last)
        for site in 0..<3 { #expect(try federation.model("site-\(site)", configuration.model) == model) }
    }

    @Test func theMeanInBinary64IsCloseToTheExactOne() async throws {
        let federation = try TestFederation(sites: 2)
        let configuration = try Samples.configuration(rounds: 1, sum: .float32)
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<2).map { try federation.start($0, port: port) }
        #expect(try await server.value == .completed)
        for client in clients { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        #expect(run.summary.description.encoding == "float32" && run.rounds.count == 1)
        let model = try federation.model("site-1", configuration.model)
        #expect(model.hash.hex == run.summary.paramsHashes[0])
        let exact = try federation.expectedModels(configuration)[0]
        // Each of two updates was rounded by at most 2^-41 of weight 2^20/600 or so.
        #expect(zip(model.values, exact.values).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func aClientThatEndsIsLeftOutAndAnotherTakesItsPlaceLater() async throws {
        let federation = try TestFederation(sites: 3)
        var configuration = try Samples.configuration(rounds: 60)
        configuration.localEpochs = 5
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<3).map { try federation.start($0, port: port) }
        try await federation.reached(rounds: 2)
        clients[2].cancel()
        await #expect(throws: (any Error).self) { try await clients[2].value }
        let lostAfter = try Checkpoint.read(directory: federation.state)?.position.appliedRounds ?? 0
        try await federation.reached(rounds: lostAfter + 3)
        let again = try federation.start(2, port: port)
        #expect(try await server.value == .completed)
        for client in [clients[0], clients[1], again] { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        #expect(run.rounds.count == 60)
        #expect(run.rounds.contains { $0.cohort == 2 })
        #expect(run.rounds.last?.cohort == 3)
        let model = try federation.model("fed", configuration.model)
        for site in 0..<3 { #expect(try federation.model("site-\(site)", configuration.model) == model) }
    }

    @Test func aServerThatIsStoppedGoesOnAfterItsLastRound() async throws {
        let federation = try TestFederation(sites: 2)
        var configuration = try Samples.configuration(rounds: 20)
        configuration.localEpochs = 5
        let first = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<2).map { try federation.start($0, port: port) }
        try await federation.reached(rounds: 3)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let second = try federation.serve(configuration, port: port)
        #expect(try await second.value == .completed)
        for client in clients { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        #expect(try run.summary.paramsHashes == federation.expectedModels(configuration).map(\.hash.hex))
        // Reports that were on their way to the first process are lost with it, those of one round at most.
        #expect(run.rounds.count { $0.bytesUpTotal == 0 } <= 1)
        #expect(try Checkpoint.read(directory: federation.state)?.isFinished == true)
    }

    @Test func aClientWhoseDataDoNotFitSaysSoAndTheOthersGoOn() async throws {
        let federation = try TestFederation(sites: 3)
        let configuration = try Samples.configuration(rounds: 1)
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        var data = try federation.data(2)
        data.dataset = "synthetic:600,5,3"
        let site = "\(federation.directory)/site-2"
        let misfit = ClientRun(
            directory: site, identity: try PartyIdentity.load(directory: site), data: data,
            network: NetworkOptions.Resolved(
                server: HostPort(host: "127.0.0.1", port: UInt16(port)), wait: .seconds(20), discovery: false,
                interfaces: .loopback),
            progress: Progress(style: .quiet), logger: .init(label: "test"))
        let clients = try (0..<2).map { try federation.start($0, port: port) }
        await #expect(throws: TrainingError.featureCount(model: 4, data: 5)) { try await misfit.serve() }
        #expect(try await server.value == .completed)
        for client in clients { try await client.value }
        #expect(try RunReader.read(directory: federation.metrics).rounds.map(\.cohort) == [2])
    }

    // MARK: Quantised

    @Test(arguments: [16, 9, 7]) func aQuantisedRunEndsWithOneModelEverywhere(bits: Int) async throws {
        let federation = try TestFederation(sites: 3)
        let configuration = try Samples.configuration(rounds: 4, sum: .quantised, bits: bits)
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<3).map { try federation.start($0, port: port) }
        #expect(try await server.value == .completed)
        for client in clients { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        #expect(run.summary.description.encoding == "\(bits)")
        #expect(run.rounds.map(\.encoding) == ["32"] + Array(repeating: "\(bits)", count: 3))
        #expect(run.rounds.allSatisfy { ($0.errorBound ?? 0) > 0 && $0.cohort == 3 })
        #expect(run.rounds.last.map { $0.accuracy > 0.5 } == true)
        let model = try federation.model("fed", configuration.model)
        #expect(model.hash.hex == run.summary.paramsHashes.last)
        for site in 0..<3 { #expect(try federation.model("site-\(site)", configuration.model) == model) }
    }

    @Test func aQuantisedMeanIsWithinItsBoundOfTheExactOne() async throws {
        let federation = try TestFederation(sites: 2)
        let configuration = try Samples.configuration(rounds: 1, sum: .quantised)
        let server = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<2).map { try federation.start($0, port: port) }
        #expect(try await server.value == .completed)
        for client in clients { try await client.value }
        let bound = try #require(RunReader.read(directory: federation.metrics).rounds[0].errorBound)
        let model = try federation.model("site-0", configuration.model)
        let exact = try federation.expectedModels(configuration)[0]
        let errors = zip(model.values, exact.values).map { abs(Double($0) - Double($1)) }
        // Parameters of this model are below 1: each of the two was rounded by 2^-25.
        #expect(errors.allSatisfy { $0 <= bound + 0x1p-24 })
        // Nothing is clipped, so that the bound of a first round has to allow for updates far larger than these.
        #expect(errors.allSatisfy { $0 < 1e-5 })
    }

    @Test func aQuantisedRunOutlastsStopsOfTheServerAndOfAClient() async throws {
        let federation = try TestFederation(sites: 3)
        var configuration = try Samples.configuration(rounds: 30, sum: .quantised, bits: 12)
        configuration.localEpochs = 5
        let first = try federation.serve(configuration)
        let port = try await federation.port()
        let clients = try (0..<3).map { try federation.start($0, port: port) }
        try await federation.reached(rounds: 3)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        let second = try federation.serve(configuration, port: port)
        let stoppedAfter = try Checkpoint.read(directory: federation.state)?.position.appliedRounds ?? 0
        try await federation.reached(rounds: stoppedAfter + 3)
        clients[2].cancel()
        await #expect(throws: (any Error).self) { try await clients[2].value }
        let again = try federation.start(2, port: port)
        #expect(try await second.value == .completed)
        for client in [clients[0], clients[1], again] { try await client.value }
        let run = try RunReader.read(directory: federation.metrics)
        // The scale survives: only the first round of the run is encoded as one.
        #expect(run.rounds.map(\.encoding) == ["32"] + Array(repeating: "12", count: 29))
        let model = try federation.model("fed", configuration.model)
        #expect(model.hash.hex == run.summary.paramsHashes.last)
        for site in 0..<3 { #expect(try federation.model("site-\(site)", configuration.model) == model) }
    }

    @Test func aCheckpointComesBackAsItWas() throws {
        let federation = try TestFederation(sites: 2)
        let configuration = try Samples.configuration()
        #expect(try Checkpoint.read(directory: federation.state) == nil)
        var position = AveragingCoordinator.Position(
            first: try configuration.seeds.initialParameters(of: configuration.model))
        position.advance(to: position.parameters)
        let checkpoint = Checkpoint(
            configuration: configuration, position: position, records: [UInt8](#"{"a":"é\n"}"#.utf8), isFinished: true)
        try checkpoint.write(directory: federation.state)
        #expect(try Checkpoint.read(directory: federation.state) == checkpoint)
        var quantised = checkpoint
        quantised.configuration = try Samples.configuration(sum: .quantised)
        quantised.position.advance(to: position.parameters, scale: Samples.digits.scale)
        try quantised.write(directory: federation.state)
        #expect(try Checkpoint.read(directory: federation.state) == quantised)
        try ModelFile(path: "\(federation.state)/\(Checkpoint.fileName)").write(
            StoredModel(parameters: position.parameters))
        #expect(throws: ProgramError.self) { try Checkpoint.read(directory: federation.state) }
    }
}
