// SPDX-License-Identifier: MIT

import ArgumentParser
// Dispatch sources may be used from any thread but are not declared Sendable.
@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Turns the signals that ask a program to end into values.
public enum Interruption {
    /// Yields SIGINT and SIGTERM as they come; a third one ends the process at once with 128 + signal (the second may
    /// be a script that passes on the Ctrl-C which the terminal sent already).
    ///
    /// The stream never ends by itself. From the first call on the signals no longer kill the process.
    public static func signals(_ numbers: [Int32] = [SIGINT, SIGTERM], exitAt limit: Int = 3) -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let queue = DispatchQueue(label: "summand.signals")
        let seen = Counter()
        let sources = numbers.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if seen.increment() >= limit { _exit(128 + number) }
                continuation.yield(number)
            }
            source.activate()
            return source
        }
        continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
        return stream
    }

    /// Runs the body and cancels its task at the first signal; the body's own error or result is passed on.
    ///
    /// `onSignal` is called once, before the cancellation, to tell the user that the program is ending.
    public static func cancelling<Result: Sendable>(
        signals: AsyncStream<Int32> = Interruption.signals(), onSignal: @escaping @Sendable (Int32) -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let work = Task { try await body() }
        let watcher = Task {
            var isFirst = true
            for await number in signals {
                if isFirst { onSignal(number) }
                isFirst = false
                work.cancel()
            }
        }
        defer { watcher.cancel() }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    /// Runs the body as `cancelling` does and, where a signal ended it, gives the program the exit code 128 + signal.
    public static func exiting<Result: Sendable>(
        signals: AsyncStream<Int32> = Interruption.signals(), onSignal: @escaping @Sendable (Int32) -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let noted = SignalNote()
        do {
            return try await cancelling(
                signals: signals,
                onSignal: { number in
                    noted.note(number)
                    onSignal(number)
                }, body)
        } catch {
            guard let number = noted.number else { throw error }
            throw ExitCode(128 + number)
        }
    }

    /// Remembers the signal that came.
    private final class SignalNote: Sendable {
        private let value = Mutex<Int32?>(nil)

        var number: Int32? { value.withLock { $0 } }

        func note(_ number: Int32) { value.withLock { $0 = number } }
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)

        func increment() -> Int {
            value.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
