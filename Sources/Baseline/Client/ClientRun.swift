// SPDX-License-Identifier: MIT

import Averaging
import Identity
import Learning
import Logging
import Primitives
import Programs
import Reporting
import Transport

/// One process of `fedavg client`: takes part until the run ends, over as many connections as that takes.
struct ClientRun: Sendable {
    let directory: String
    let identity: PartyIdentity
    let data: DatasetOptions.Resolved
    let network: NetworkOptions.Resolved
    let progress: Progress
    let logger: Logger

    /// How long this side waits before it dials again after a connection was lost at once.
    private static let pause = Duration.milliseconds(500)

    /// Takes part in one run; returns when it has ended well.
    func serve() async throws {
        var session = ClientSession(self)
        let current = CurrentIdentity(identity)
        let renewal = SiteRenewal(
            current, directory: directory, proxy: network.proxy, progress: progress, logger: logger)
        let locator = CoordinatorLocator(
            federation: identity.federation, arm: .plain, network: network, logger: logger)
        progress.note("\(data.dataset), \(data.partition), part \(data.part): the server will see this site's updates")
        while true {
            progress.status("looking for the server of \(identity.federation)")
            let connection = try await locator.connect(as: current, meter: session.bytes.meter)
            await renewal.connected(connection)
            do {
                let end = try await session.take(part: connection)
                await renewal.stop()
                await connection.close()
                return try conclude(end)
            } catch let error as ConnectionError {
                await connection.close()
                try requireReturn(after: error)
                progress.note("the connection is lost (\(error)): looking for the server again")
                try await Task.sleep(for: Self.pause)
            } catch {
                // The server need not wait for a client that says that it cannot go on.
                let sentence = (error as? any ProgramErrorConvertible)?.programError.line ?? "\(error)"
                try? await connection.send(AveragingMessage.withdrawal(sentence).encoded())
                await connection.close(reason: error is CancellationError ? .shutdown : .done)
                throw error
            }
        }
    }

    /// Gives up where another connection would end alike.
    private func requireReturn(after error: ConnectionError) throws {
        switch error {
        case .closed(.superseded):
            throw ProgramError(
                .failed, "another process has connected with the same identity", subject: directory,
                remedy: "run one client per state directory, and copy none")
        case .closed(.unwelcome):
            throw ProgramError(
                .failed, "the server does not let this site take part any more", subject: directory,
                remedy: "ask its operator; its log says why")
        case .closed(.violation), .invalidFrame:
            throw ProgramError(.failed, "\(error)", remedy: "run the same version on both sides")
        default: break
        }
    }

    private func conclude(_ end: AveragingMessage.RunEnd) throws {
        progress.status(nil)
        switch end.outcome {
        case .completed, .converged:
            progress.result(
                "\(end.sentence); the model is \(directory)/model.safetensors",
                ["ending": end.sentence, "model": "\(directory)/model.safetensors"])
        case .aborted: throw ProgramError(.aborted, end.sentence)
        case .failed, .verificationFailed: throw ProgramError(.failed, "the server failed: \(end.sentence)")
        }
    }
}
