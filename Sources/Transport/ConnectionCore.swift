// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization

/// Carries calls of any task to the handler on its event loop.
struct ConnectionCore: Sendable {
    /// Tickets are unique in the process, so that a ticket can never name another connection's call.
    private static let tickets = Atomic<Ticket>(1)

    private let loop: any EventLoop
    private let handler: NIOLoopBound<ConnectionHandler>
    /// Runs tasks on the event loop.
    let executor: EventLoopExecutor

    /// To be made on the handler's event loop.
    init(_ handler: ConnectionHandler, on loop: any EventLoop) {
        self.loop = loop
        self.handler = NIOLoopBound(handler, eventLoop: loop)
        executor = EventLoopExecutor(loop)
    }

    /// Draws a new ticket.
    static func ticket() -> Ticket { tickets.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Lets the handler do something soon, without an answer.
    func perform(_ body: @escaping @Sendable (ConnectionHandler) -> Void) {
        loop.execute { body(handler.value) }
    }

    /// Asks the handler something it answers at once.
    func call<Answer: Sendable>(
        _ body: @escaping @Sendable (ConnectionHandler) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute { continuation.resume(with: Result { try body(handler.value) }) }
        }
    }

    /// Starts something that ends later, and waits for its end; a cancelled task withdraws it.
    func wait(_ start: @escaping @Sendable (ConnectionHandler, Ticket) -> Void) async throws {
        let ticket = Self.ticket()
        try Task.checkCancellation()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                perform { handler in
                    handler.register(ticket, continuation)
                    start(handler, ticket)
                }
                // A cancellation that came before the registration found nothing to cancel.
                if Task.isCancelled { perform { $0.cancel(ticket) } }
            }
        } onCancel: {
            perform { $0.cancel(ticket) }
        }
    }
}
