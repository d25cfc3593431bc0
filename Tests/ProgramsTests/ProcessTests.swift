// SPDX-License-Identifier: MIT

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Programs

struct ProcessTests {
    @Test func aStateDirectoryIsHeldOnce() throws {
        try withDirectory { directory in
            let held = try StateLock(directory: directory)
            do throws(ProgramError) {
                _ = try StateLock(directory: directory)
                Issue.record("held twice")
            } catch {
                #expect(
                    error.line == "\(directory): in use by process \(getpid()); end that process first, or name "
                        + "another directory with --state")
            }
            _ = consume held
            #expect(throws: Never.self) { try StateLock(directory: directory) }
        }
    }

    /// Closed twice, its number would have been another thread's by then.
    @Test func aRefusedLockClosesNobodyElsesFile() throws {
        try withDirectory { directory in
            let held = try StateLock(directory: directory)
            let isDone = Atomic(false)
            let stolen = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 2) { role in
                if role == 0 {
                    for _ in 0..<2_000 { #expect(throws: ProgramError.self) { try StateLock(directory: directory) } }
                    isDone.store(true, ordering: .relaxed)
                } else {
                    while !isDone.load(ordering: .relaxed) {
                        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
                        sched_yield()
                        if close(file) != 0 { stolen.add(1, ordering: .relaxed) }
                    }
                }
            }
            #expect(stolen.load(ordering: .relaxed) == 0)
            _ = consume held
        }
    }

    @Test func aMissingStateDirectoryIsAUsageError() {
        do throws(ProgramError) {
            _ = try StateLock(directory: "/nonexistent/state")
            Issue.record("opened")
        } catch {
            #expect(error.exit == .usage)
            #expect(error.subject == "/nonexistent/state")
        }
    }

    @Test func peakMemoryIsRead() {
        #expect(PeakMemory.bytes(inStatus: "Name:\tx\nVmHWM:\t   13604 kB\nVmRSS:\t 1 kB\n") == 13604 * 1024)
        #expect(PeakMemory.bytes(inStatus: "Name:\tx\n") == 0)
        #expect(PeakMemory.bytes() > 1 << 20)
    }

    @Test func aSignalIsAValueAndCancelsTheWork() async {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        continuation.yield(SIGTERM)
        await #expect(throws: CancellationError.self) {
            try await Interruption.cancelling(signals: signals, onSignal: { #expect($0 == SIGTERM) }) {
                // Ends by cancellation; the hour is only there to fail instead of hanging for ever.
                try await Task.sleep(for: .seconds(3600))
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aRealSignalArrives() async {
        var arrived: Int32?
        // Registration is asynchronous: until it is done the signal must be harmless. Children of a shell's
        // background jobs begin like this too.
        signal(SIGUSR1, SIG_IGN)
        let signals = Interruption.signals([SIGUSR1], exitAt: .max)
        let sender = Task {
            while !Task.isCancelled {
                kill(getpid(), SIGUSR1)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        for await number in signals {
            arrived = number
            break
        }
        sender.cancel()
        #expect(arrived == SIGUSR1)
    }

    @Test func workWithoutASignalIsPassedOn() async throws {
        let (signals, _) = AsyncStream.makeStream(of: Int32.self)
        #expect(try await Interruption.cancelling(signals: signals, onSignal: { _ in }) { 7 } == 7)
    }
}
