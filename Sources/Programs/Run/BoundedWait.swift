// SPDX-License-Identifier: MIT

extension Task where Failure == Never, Success == Void {
    /// Waits until the task has ended, and cancels it when that takes longer than the limit: for one that does not hear
    /// of cancellation while it waits for peers.
    public func wait(atMost limit: Duration) async {
        let (done, signal) = AsyncStream.makeStream(of: Void.self)
        let timer = Task<Void, Never> {
            // A deadline: cancelled below when the task ends first, so that nothing waits for it.
            try? await Task<Never, Never>.sleep(for: limit)
            self.cancel()
            signal.finish()
        }
        Task<Void, Never> {
            await self.value
            signal.finish()
        }
        // A task of its own, because the calling one may be cancelled already, which would end the loop at once.
        await Task<Void, Never> { for await _ in done {} }.value
        timer.cancel()
    }
}
