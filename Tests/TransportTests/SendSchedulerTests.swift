// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite struct SendSchedulerTests {
    private static let first = StreamID(rawValue: 1)
    private static let second = StreamID(rawValue: 3)

    private func open(_ scheduler: inout SendScheduler) throws -> StreamID {
        let stream = scheduler.open(header: [])
        return try #require(stream)
    }

    private func drain(_ scheduler: inout SendScheduler) -> [Frame] {
        var frames: [Frame] = []
        while let outgoing = scheduler.next() { frames.append(outgoing.frame) }
        return frames
    }

    @Test func answersGoFirstThenMessagesAndStreamsInTurn() throws {
        var scheduler = SendScheduler(dialler: true)
        let (first, second) = (try open(&scheduler), try open(&scheduler))
        #expect(drain(&scheduler) == [.streamOpen(Self.first, header: []), .streamOpen(Self.second, header: [])])
        for stream in [first, second] {
            #expect(try scheduler.write([UInt8](repeating: 1, count: 300_000), on: stream, ticket: 1))
            try scheduler.addCredit(1 << 20, to: stream)
        }
        for byte in UInt8(1)...2 { scheduler.send([byte], ticket: 2) }
        try scheduler.reply(.pong(1))
        let kinds = drain(&scheduler).map { frame -> String in
            switch frame {
            case .chunk(let stream, let bytes): "\(stream.rawValue):\(bytes.count)"
            case .message(let bytes): "m\(bytes[0])"
            default: "pong"
            }
        }
        #expect(kinds == ["pong", "m1", "1:262144", "m2", "3:262144", "1:37856", "3:37856"])
    }

    @Test func ticketReturnsWithTheLastPiece() throws {
        var scheduler = SendScheduler(dialler: true)
        let stream = try open(&scheduler)
        _ = scheduler.next()
        #expect(try scheduler.write([1, 2, 3], on: stream, ticket: 7))
        #expect(scheduler.next() == nil, "no credit, nothing to send")
        try scheduler.addCredit(2, to: stream)
        let piece = scheduler.next()
        #expect(piece?.frame == .chunk(stream, [1, 2]) && piece?.ticket == nil)
        #expect(scheduler.next() == nil)
        try scheduler.addCredit(9, to: stream)
        let rest = scheduler.next()
        #expect(rest?.frame == .chunk(stream, [3]) && rest?.ticket == 7)
        #expect(try !scheduler.write([], on: stream, ticket: 8), "nothing to send, done at once")
    }

    @Test func streamWithoutCreditHoldsUpNoOther() throws {
        var scheduler = SendScheduler(dialler: false)
        let (blocked, free) = (try open(&scheduler), try open(&scheduler))
        #expect(blocked.rawValue == 2 && free.rawValue == 4)
        for stream in [blocked, free] { _ = try scheduler.write([1], on: stream, ticket: 1) }
        try scheduler.addCredit(1, to: free)
        #expect(drain(&scheduler).last == .chunk(free, [1]))
    }

    @Test func refusalFailsTheCallsAndIsConfirmed() throws {
        var scheduler = SendScheduler(dialler: true)
        let stream = try open(&scheduler)
        _ = scheduler.next()
        _ = try scheduler.write([1], on: stream, ticket: 1)
        try scheduler.finish(stream, trailer: [], ticket: 2)
        #expect(try scheduler.refused(stream, code: 9) == [1, 2])
        #expect(drain(&scheduler) == [.reset(stream, 9)])
        #expect(throws: StreamRefused(code: 9)) { try scheduler.write([1], on: stream, ticket: 3) }
        // A second refusal, or one that crossed with the end, is no news.
        #expect(try scheduler.refused(stream, code: 9) == [])
        #expect(drain(&scheduler) == [])
        #expect(scheduler.openCount == 0)
    }

    @Test func streamThatThePeerNeverHeardOfIsDroppedInSilence() throws {
        var scheduler = SendScheduler(dialler: true)
        let stream = try open(&scheduler)
        _ = try scheduler.write([1], on: stream, ticket: 1)
        #expect(scheduler.reset(stream, code: 1) == [1])
        #expect(drain(&scheduler) == [])
    }

    @Test func endThatIsQueuedGoesOutAfterTheStreamIsLetGo() throws {
        var scheduler = SendScheduler(dialler: true)
        let stream = try open(&scheduler)
        try scheduler.finish(stream, trailer: [1], ticket: 1)
        #expect(scheduler.release(stream) == [])
        #expect(drain(&scheduler) == [.streamOpen(stream, header: []), .streamEnd(stream, trailer: [1])])
        #expect(scheduler.openCount == 0)
    }

    @Test func cancelledMessageIsWithdrawn() throws {
        var scheduler = SendScheduler(dialler: true)
        scheduler.send([1], ticket: 1)
        scheduler.send([2], ticket: 2)
        #expect(scheduler.cancel(1) == [1])
        #expect(scheduler.cancel(1) == [])
        #expect(drain(&scheduler) == [.message([2])])
    }

    @Test func creditOutOfRangeIsRejected() throws {
        var scheduler = SendScheduler(dialler: true)
        let stream = try open(&scheduler)
        #expect(throws: InvalidFrame.creditOutOfRange(stream: 1, credit: 0)) { try scheduler.addCredit(0, to: stream) }
        #expect(throws: InvalidFrame.creditOutOfRange(stream: 1, credit: .max)) {
            try scheduler.addCredit(.max, to: stream)
        }
        for number in [0, 2, 3] as [UInt32] {
            #expect(throws: InvalidFrame.unknownStream(stream: number)) {
                try scheduler.addCredit(1, to: StreamID(rawValue: number))
            }
        }
    }

    @Test func answersAreBounded() throws {
        var scheduler = SendScheduler(dialler: true)
        let maximum = TransportConfiguration.repliesMax
        for nonce in 0..<maximum { try scheduler.reply(.pong(UInt64(nonce))) }
        #expect(throws: InvalidFrame.repliesOverflow(maximum: maximum)) { try scheduler.reply(.pong(0)) }
    }
}
