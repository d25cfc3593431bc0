// SPDX-License-Identifier: MIT

import NIOCore
import NIOConcurrencyHelpers

/// Hands elements from the event loop to one waiting task, and says when they are taken.
///
/// It has no bound of its own: whoever pushes looks at the cost that is queued, or has granted it before.
final class ReceiveQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements = CircularBuffer<(element: Element, cost: Int)>()
        var cost = 0
        var end: Result<Void, any Error>?
        var waiters = CircularBuffer<(id: UInt64, continuation: CheckedContinuation<Element?, any Error>)>()
        var nextID: UInt64 = 0
        var cancelled: Set<UInt64> = []
    }

    /// What a task that asks for an element gets.
    private enum Outcome {
        case cancelled
        case element(Element, cost: Int, remaining: Int)
        case end(Result<Void, any Error>)
        case waiting
    }

    private let state = NIOLockedValueBox(State())
    private let onConsume: @Sendable (_ cost: Int, _ remaining: Int) -> Void

    /// - Parameter onConsume: called by the consumer for each element taken, with its cost and that of what remains.
    init(onConsume: @escaping @Sendable (_ cost: Int, _ remaining: Int) -> Void) {
        self.onConsume = onConsume
    }

    /// The cost of all elements that wait.
    var cost: Int { state.withLockedValue { $0.cost } }

    /// Adds an element, unless the queue has ended.
    func push(_ element: Element, cost: Int) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Element?, any Error>? in
            guard state.end == nil else { return nil }
            if let waiter = state.waiters.popFirst() { return waiter.continuation }
            state.elements.append((element, cost))
            state.cost += cost
            return nil
        }
        guard let waiter else { return }
        waiter.resume(returning: element)
        onConsume(cost, 0)
    }

    /// Ends the queue after what it holds; only the first end counts.
    func finish(throwing error: (any Error)? = nil) {
        let end: Result<Void, any Error> = error.map { .failure($0) } ?? .success(())
        let waiters = state.withLockedValue { state -> [CheckedContinuation<Element?, any Error>] in
            guard state.end == nil else { return [] }
            state.end = end
            defer { state.waiters.removeAll() }
            return state.waiters.map(\.continuation)
        }
        for waiter in waiters { waiter.resume(with: end.map { nil }) }
    }

    /// Waits for the next element; nil at the end.
    ///
    /// - Throws: what the queue ended with, or `CancellationError`.
    func next() async throws -> Element? {
        let id = state.withLockedValue { state in
            state.nextID += 1
            return state.nextID
        }
        defer { state.withLockedValue { _ = $0.cancelled.remove(id) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in wait(id, continuation) }
        } onCancel: {
            cancel(id)
        }
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Element?, any Error>) {
        let outcome = state.withLockedValue { state -> Outcome in
            if state.cancelled.remove(id) != nil { return .cancelled }
            if let (element, cost) = state.elements.popFirst() {
                state.cost -= cost
                return .element(element, cost: cost, remaining: state.cost)
            }
            if let end = state.end { return .end(end) }
            state.waiters.append((id, continuation))
            return .waiting
        }
        switch outcome {
        case .element(let element, let cost, let remaining):
            continuation.resume(returning: element)
            onConsume(cost, remaining)
        case .end(let end): continuation.resume(with: end.map { nil })
        case .cancelled: continuation.resume(throwing: CancellationError())
        case .waiting: break
        }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Element?, any Error>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume(throwing: CancellationError())
    }
}
