// SPDX-License-Identifier: MIT

// Dispatch queues may be used from any thread.
import Dispatch
import Synchronization

/// Runs long computations on a thread of their own: the few threads that tasks share stay free for messages.
public enum OwnThread {
    /// Runs the body and waits for it; `isCancelled`, to be asked often, says whether the waiting task was cancelled.
    public static func run<Result: Sendable>(
        _ body: @escaping @Sendable (_ isCancelled: @Sendable () -> Bool) throws -> Result
    ) async throws -> Result {
        let flag = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Swift.Result { try body { flag.isSet } }) }
            }
        } onCancel: {
            flag.set()
        }
    }

    private static let queue = DispatchQueue(label: "summand.computing", qos: .utility, attributes: .concurrent)

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }

        func set() { value.store(true, ordering: .relaxed) }
    }
}
