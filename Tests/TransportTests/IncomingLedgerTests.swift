// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite struct IncomingLedgerTests {
    private static let stream = StreamID(rawValue: 1)

    private func ledger(streamsMax: Int = 2) -> IncomingLedger {
        IncomingLedger(window: 100_000, streamsMax: streamsMax, peerIsDialler: true)
    }

    @Test func creditIsZeroThenAWindowThenWhatWasConsumed() throws {
        var ledger = ledger()
        try ledger.open(Self.stream)
        #expect(throws: InvalidFrame.creditExceeded(stream: 1, granted: 0, actual: 1)) {
            try ledger.receive(1, on: Self.stream)
        }
        #expect(ledger.accept(Self.stream) == 100_000)
        #expect(ledger.accept(Self.stream) == nil)
        #expect(try ledger.receive(100_000, on: Self.stream))
        #expect(throws: InvalidFrame.self) { try ledger.receive(1, on: Self.stream) }
        #expect(ledger.consume(49_999, of: Self.stream) == nil, "less than half of the window")
        #expect(ledger.consume(1, of: Self.stream) == 50_000)
        #expect(try ledger.receive(50_000, on: Self.stream))
        #expect(throws: InvalidFrame.self) { try ledger.receive(1, on: Self.stream) }
    }

    @Test func whatIsOnItsWayAfterARefusalIsDroppedWithinItsCredit() throws {
        var ledger = ledger()
        try ledger.open(Self.stream)
        _ = ledger.accept(Self.stream)
        #expect(ledger.refuse(Self.stream) == true)
        #expect(ledger.refuse(Self.stream) == false)
        #expect(try !ledger.receive(60_000, on: Self.stream))
        #expect(ledger.consume(60_000, of: Self.stream) == nil)
        #expect(throws: InvalidFrame.creditExceeded(stream: 1, granted: 40_000, actual: 40_001)) {
            try ledger.receive(40_001, on: Self.stream)
        }
        #expect(try !ledger.end(Self.stream), "nobody wants to know any more")
        #expect(throws: InvalidFrame.unknownStream(stream: 1)) { try ledger.end(Self.stream) }
    }

    @Test func numbersAscendAndBelongToTheirSide() throws {
        var ledger = ledger(streamsMax: 10)
        for number in [0, 2] as [UInt32] {
            #expect(throws: InvalidFrame.streamOutOfOrder(stream: number)) {
                try ledger.open(StreamID(rawValue: number))
            }
        }
        try ledger.open(StreamID(rawValue: 5))
        for number in [5, 3] as [UInt32] {
            #expect(throws: InvalidFrame.streamOutOfOrder(stream: number)) {
                try ledger.open(StreamID(rawValue: number))
            }
        }
    }

    @Test func placesAreBoundedAndComeBackAtTheEnd() throws {
        var ledger = ledger()
        try ledger.open(StreamID(rawValue: 1))
        try ledger.open(StreamID(rawValue: 3))
        #expect(throws: InvalidFrame.tooManyStreams(maximum: 2)) { try ledger.open(StreamID(rawValue: 5)) }
        #expect(try ledger.end(StreamID(rawValue: 1)))
        try ledger.open(StreamID(rawValue: 7))
        #expect(ledger.openCount == 2)
    }
}
