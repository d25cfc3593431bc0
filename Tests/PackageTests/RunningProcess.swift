// SPDX-License-Identifier: MIT

import Foundation

/// Runs a child process without holding a thread while it runs, which tests beside this one need.
struct RunningProcess {
    let process: Process

    /// Starts the process.
    init(_ process: Process) throws {
        self.process = process
        // The child inherits the mask of this thread, and the threads of a test block all signals.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// Waits for the end and gives the exit code.
    func ended() async -> Int32 {
        while process.isRunning {
            // A run was seen to wait for ever for a termination handler with no child left, so the process is asked.
            try? await Task.sleep(for: .milliseconds(20))
        }
        return process.terminationStatus
    }
}
