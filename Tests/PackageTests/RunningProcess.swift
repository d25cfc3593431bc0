// SPDX-License-Identifier: MIT

import Foundation

/// Runs a child process without holding a thread while it runs, which tests beside this one need.
struct RunningProcess {
    let process: Process
    private let end: AsyncStream<Int32>

    /// Starts the process.
    init(_ process: Process) throws {
        self.process = process
        let (end, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.end = end
        process.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
        // The child inherits the mask of this thread, and the threads of a test block all signals.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// Waits for the end and gives the exit code; asked once.
    func ended() async -> Int32 {
        await end.first { _ in true } ?? -1
    }
}
