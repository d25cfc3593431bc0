// SPDX-License-Identifier: MIT

import NIOCore

/// Runs the jobs of tasks that prefer it on an event loop (SE-0417).
///
/// The loop has to outlive the tasks: one that was shut down runs nothing any more.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
