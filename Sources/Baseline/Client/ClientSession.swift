// SPDX-License-Identifier: MIT

import Averaging
import Learning
import Primitives
import Programs
import Reporting
import Transport

/// Answers the server, message after message; what it knows of the run outlives a connection.
struct ClientSession {
    private let client: ClientRun
    private(set) var bytes = ByteReport()
    private var run: LocalRun?

    init(_ client: ClientRun) {
        self.client = client
    }

    /// Takes part over one connection until the server ends the run.
    ///
    /// - Throws: `ConnectionError` when the connection ends first.
    mutating func take(part connection: Connection) async throws -> AveragingMessage.RunEnd {
        let hello = AveragingMessage.Hello(
            paramsHash: run?.paramsHash, foundByMulticast: client.network.server == nil)
        try await connection.send(AveragingMessage.hello(hello).encoded())
        client.progress.status("connected, waiting for the server")
        for try await event in connection.events {
            switch event {
            case .message(let message):
                if let end = try await take(try AveragingMessage(message), connection) { return end }
            case .stream(let stream): try await take(stream, connection)
            }
        }
        throw connection.end ?? ConnectionError.truncated
    }

    private mutating func take(
        _ message: AveragingMessage, _ connection: Connection
    ) async throws -> AveragingMessage.RunEnd? {
        switch message {
        case .configuration(let configuration): try await begin(configuration)
        case .roundOpen(let open): try await answer(open, connection)
        case .runEnd(let end): return end
        case .applied, .evaluation, .hello, .withdrawal:
            throw InvalidAveragingMessage.unexpected(message: message.name)
        }
        return nil
    }

    private mutating func begin(_ configuration: AveragingConfiguration) async throws {
        guard run?.configuration != configuration else { return }
        let data = client.data
        client.progress.status("loading \(data.dataset)")
        let loaded = try await OwnThread.run { _ in try LocalRun(configuration, data: data) }
        run = loaded
        client.progress.note(
            "run of \(configuration.model), \(configuration.rounds) rounds, seed \(configuration.seeds.number): "
                + "\(loaded.training.data.training.count) samples to train on, "
                + "\(loaded.training.data.test.count) to evaluate on")
    }

    // MARK: - Rounds

    private mutating func answer(_ open: AveragingMessage.RoundOpen, _ connection: Connection) async throws {
        guard var run, run.paramsHash == open.paramsHash else {
            throw ProgramError(
                .verificationFailed, "the parameters here are not those that round \(open.round) starts from",
                subject: client.directory, remedy: "the first parameters or a sum differ; compare the versions")
        }
        guard !open.isClosing else { return try await close(run, open, connection) }
        bytes.enter(.update)
        client.progress.status("round \(open.round)/\(run.configuration.rounds): training")
        if let digits = open.digits, try !run.expects(digits) {
            throw ProgramError(
                .verificationFailed, "round \(open.round) has another scale than follows from the sum before it",
                subject: "server", remedy: "run the same version on both sides")
        }
        let made = try await run.update(for: open.round)
        self.run = run
        say(made.update.evaluation, before: open.round, of: run.configuration.rounds)
        try await send(made, of: run, open, connection)
        bytes.enter(.result)
        client.progress.status("round \(open.round)/\(run.configuration.rounds): waiting for the others")
    }

    /// Sends an update, in the form that the run asks for.
    private func send(
        _ made: LocalRun.MadeUpdate, of run: LocalRun, _ open: AveragingMessage.RoundOpen, _ connection: Connection
    ) async throws {
        let (header, content): (AveragingStreamHeader, [UInt8])
        switch (run.configuration.sum, open.digits) {
        case (.quantised, let digits?):
            let (vector, encoded) = try run.content(of: made, digits: digits)
            (header, content) = (.vector(vector), encoded)
        case (.exact, nil), (.float32, nil):
            let (update, delta) = try run.content(of: made)
            (header, content) = (.update(update), delta)
        default: throw InvalidAveragingMessage.range(message: "RoundOpen", field: "digits")
        }
        let stream = try await connection.openStream(header: header.encoded())
        do {
            try await stream.sendAll(content)
        } catch let refused as StreamRefused {
            client.logger.info("the server did not take the update", metadata: ["code": "\(refused.code)"])
        }
    }

    private mutating func close(
        _ run: LocalRun, _ open: AveragingMessage.RoundOpen, _ connection: Connection
    ) async throws {
        bytes.enter(.closing)
        let evaluation = try await run.evaluate()
        say(evaluation, before: open.round, of: run.configuration.rounds)
        let answer = AveragingMessage.Evaluation(
            round: open.round, metrics: try evaluation.metrics(), report: bytes.next(sinceTraining: .zero))
        try await connection.send(AveragingMessage.evaluation(answer).encoded())
    }

    /// Says how good the model of the last round is on the data of this site.
    private func say(_ evaluation: Evaluation, before round: Int, of rounds: Int) {
        guard let loss = evaluation.loss, let accuracy = evaluation.accuracy, round > 1 else { return }
        client.progress.note(
            "round \(round - 1)/\(rounds)  here: loss \(NumberText.fixed(loss, 4))  "
                + "accuracy \(NumberText.percent(accuracy))")
    }

    /// Takes parameters, or the sum that leads to them: they are durable before the answer goes out.
    private mutating func take(_ stream: IncomingStream, _ connection: Connection) async throws {
        guard var run else { throw InvalidAveragingMessage.unexpected(message: "stream") }
        let trainedAt = run.trainedAt
        let (rounds, expected): (Int, Digest)
        switch try AveragingStreamHeader(stream.header) {
        case .parameters(let header):
            let layout = run.configuration.model.layout
            guard header.elements == layout.count else {
                throw InvalidAveragingMessage.range(message: "ParametersHeader", field: "elements")
            }
            let content = try await stream.readAll(count: 4 * header.elements, as: "ParametersHeader")
            run.replace(with: try Parameters(layout: layout, littleEndianBytes: content), scale: nil)
            (rounds, expected) = (header.rounds, header.paramsHash)
        case .sum(let header):
            let round = try run.round(of: header)
            guard header.elements == round.elements else {
                throw InvalidAveragingMessage.range(message: "SumHeader", field: "elements")
            }
            let content = try await stream.readAll(count: 8 * header.elements, as: "SumHeader")
            try run.apply(content, of: round)
            (rounds, expected) = (header.rounds, header.paramsHash)
        case .update, .vector: throw InvalidAveragingMessage.unexpected(message: "stream")
        }
        guard let parameters = run.parameters, parameters.hash == expected else {
            throw ProgramError(
                .verificationFailed, "the parameters of round \(rounds) do not have the hash they should",
                subject: "server")
        }
        try ModelFile(path: "\(client.directory)/model.safetensors").write(
            StoredModel(parameters: parameters, metadata: ["round": "\(rounds)", "params_hash": expected.hex]))
        self.run = run
        let report = bytes.next(sinceTraining: trainedAt.map { ContinuousClock.now - $0 } ?? .zero)
        let applied = AveragingMessage.Applied(rounds: rounds, paramsHash: expected, report: report)
        try await connection.send(AveragingMessage.applied(applied).encoded())
    }
}
