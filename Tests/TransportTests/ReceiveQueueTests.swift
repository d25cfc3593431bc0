// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct ReceiveQueueTests {
    @Test func elementsComeInOrderThenTheEnd() async throws {
        let consumed = Counter()
        let queue = ReceiveQueue<Int> { cost, _ in consumed.add(cost) }
        queue.push(1, cost: 10)
        queue.push(2, cost: 20)
        queue.finish()
        queue.push(3, cost: 30)
        #expect(queue.cost == 30)
        #expect(try await queue.next() == 1)
        #expect(consumed.value == 10 && queue.cost == 20)
        #expect(try await queue.next() == 2)
        #expect(try await queue.next() == nil)
        #expect(try await queue.next() == nil)
        #expect(consumed.value == 30)
    }

    @Test func waitingTaskIsServedAndToldOfTheEnd() async throws {
        let queue = ReceiveQueue<Int> { _, _ in }
        let reading = Task { [try await queue.next(), try await queue.next()] }
        queue.push(5, cost: 1)
        queue.finish(throwing: ConnectionError.truncated)
        await #expect(throws: ConnectionError.truncated) { try await reading.value }
    }

    @Test func cancelledTaskStopsWaitingAndLosesNothing() async throws {
        let queue = ReceiveQueue<Int> { _, _ in }
        for _ in 0..<100 {
            let reading = Task { try await queue.next() }
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
        }
        queue.push(6, cost: 1)
        #expect(try await queue.next() == 6)
    }
}
