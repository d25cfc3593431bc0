// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers
import NIOCore
import TLS

/// One dial: the channels that were tried for it, and the one that connected.
///
/// Everything between the first step and the peer's welcome is done on the event loop: each way from there to a task and
/// back takes as long as a signature.
final class DialAttempt: Sendable {
    private struct State {
        var ready: [ObjectIdentifier: EventLoopFuture<Connection>] = [:]
        var channel: (any Channel)?
        var isCancelled = false
    }

    private let state = NIOLockedValueBox(State())

    /// Gives a new channel its handlers; to be called on its event loop.
    func prepare(
        _ channel: any Channel, context: TLSContext, meter: ByteMeter?, route: Route,
        configuration: TransportConfiguration, timeout: Duration
    ) throws {
        let tls = TLSHandler(
            session: try context.makeSession(), isClient: true, meter: meter, lingerTimeout: configuration.closeTimeout)
        let ready = channel.eventLoop.makePromise(of: Connection.self)
        let handler = ConnectionHandler(
            tls: tls, isDialler: true, route: route, configuration: configuration, setupTimeout: timeout, counters: nil,
            ready: ready)
        state.withLockedValue { $0.ready[ObjectIdentifier(channel)] = ready.futureResult }
        try channel.pipeline.syncOperations.addHandlers(tls, handler)
    }

    /// Waits for the peer's welcome on the channel that connects; a cancelled task closes it.
    func connection(on connected: EventLoopFuture<any Channel>) async throws -> Connection {
        try await withTaskCancellationHandler {
            do {
                return try await connected.flatMap { self.welcome(on: $0) }.get()
            } catch {
                try Task.checkCancellation()
                throw error as? ConnectionError ?? .closedBeforeWelcome
            }
        } onCancel: {
            let channel = state.withLockedValue { state in
                state.isCancelled = true
                return state.channel
            }
            channel?.close(promise: nil)
        }
    }

    private func welcome(on channel: any Channel) -> EventLoopFuture<Connection> {
        let (ready, isCancelled) = state.withLockedValue { state in
            state.channel = channel
            return (state.ready[ObjectIdentifier(channel)], state.isCancelled)
        }
        if isCancelled { channel.close(promise: nil) }
        return ready ?? channel.eventLoop.makeFailedFuture(ConnectionError.closedBeforeWelcome)
    }
}
