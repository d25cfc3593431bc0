// SPDX-License-Identifier: MIT

import Logging
import NIOConcurrencyHelpers
import NIOCore
import TLS

/// Prepares the sockets that a listener accepts, and hands on the connections that come of them.
struct Acceptor: Sendable {
    let counters = TransportCounters()
    /// What the next connection is made with.
    private let context: NIOLockedValueBox<TLSContext>
    private let configuration: TransportConfiguration
    private let meter: ByteMeter?
    private let logger: Logger?
    private let output: AsyncStream<Connection>.Continuation
    private let places: Places

    init(
        context: TLSContext, configuration: TransportConfiguration, meter: ByteMeter?, logger: Logger?,
        output: AsyncStream<Connection>.Continuation
    ) {
        self.context = NIOLockedValueBox(context)
        self.configuration = configuration
        self.meter = meter
        self.logger = logger
        self.output = output
        places = Places(configuration: configuration)
    }

    /// Makes every connection from now on with another context; those that stand keep theirs.
    func replace(_ context: TLSContext) { self.context.withLockedValue { $0 = context } }

    /// Gives a new socket its handlers, or closes it when there is no place; to be called on its event loop.
    func accept(_ channel: any Channel, by route: Route = .direct) throws {
        let remote = route.target ?? Connection.text(channel.remoteAddress)
        guard let place = places.take(close: { channel.triggerUserOutboundEvent(TLSAbandonment(), promise: nil) })
        else {
            refuse(.tooManyConnections, remote, reason: "no place")
            channel.close(promise: nil)
            return
        }
        channel.closeFuture.whenComplete { _ in place.leave() }
        let tls = TLSHandler(
            // What is relayed is counted on the connection that carries it.
            session: try context.withLockedValue { $0 }.makeSession(), isClient: false,
            meter: route.path == .relayed ? nil : meter,
            lingerTimeout: configuration.closeTimeout)
        let ready = channel.eventLoop.makePromise(of: Connection.self)
        ready.futureResult.whenComplete { result in
            switch result {
            case .success(let connection):
                guard place.complete(as: connection.peer) else { return channel.close(promise: nil) }
                counters.countAccepted()
                if case .enqueued = output.yield(connection) { return }
                channel.close(promise: nil)
            case .failure(let error):
                guard place.fail() else { return refuse(.tooManyHandshakes, remote, reason: "displaced") }
                let error = error as? ConnectionError ?? .closedBeforeWelcome
                refuse(HandshakeRefusal(error), remote, reason: error.description)
            }
        }
        let handler = ConnectionHandler(
            tls: tls, isDialler: false, route: route, configuration: configuration,
            setupTimeout: configuration.handshakeTimeout,
            counters: counters, ready: ready)
        try channel.pipeline.syncOperations.addHandlers(tls, handler)
    }

    private func refuse(_ refusal: HandshakeRefusal, _ remote: String, reason: String) {
        counters.count(refusal: refusal)
        logger?.debug(
            "Refused a connection",
            metadata: [
                "refusal": "\(refusal.rawValue)", "remote": "\(remote)", "reason": "\(reason)",
            ])
    }
}
