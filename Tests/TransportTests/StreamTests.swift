// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(5))) struct StreamTests {
    private static let window = TransportConfiguration().streamWindowBytes
    let federation: TestFederation

    init() throws {
        federation = try TestFederation()
    }

    /// Runs `body` with both ends of a connection and closes it.
    private func withConnection(_ body: (_ client: Connection, _ server: Connection) async throws -> Void) async throws
    {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        try await body(client, server)
        await client.close()
        await listener.close()
    }

    @Test func headerBytesAndTrailerArrive() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [1, 2, 3])
            let incoming = try await server.stream()
            #expect(incoming.header == [1, 2, 3])
            #expect(throws: ConnectionError.streamNotEnded) { try incoming.trailer() }
            incoming.accept()
            let bytes = SecureRandom.bytes(700_001)
            try await outgoing.write(bytes)
            try await outgoing.write([])
            try await outgoing.finish(trailer: [9])
            var received: [UInt8] = []
            for try await chunk in incoming.chunks {
                #expect((1...TransportConfiguration.chunkBytesMax).contains(chunk.count))
                received += chunk
            }
            #expect(received == bytes)
            #expect(try incoming.trailer() == [9])
            await #expect(throws: ConnectionError.streamFinished) { try await outgoing.write([1]) }
            await #expect(throws: ConnectionError.streamFinished) { try await outgoing.finish() }
        }
    }

    /// Reader and writer run on the event loops that carry the bytes; several windows and waits on either side.
    @Test func aStreamIsWrittenAndReadOnItsEventLoop() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let incoming = try await server.stream()
            incoming.accept()
            let bytes = SecureRandom.bytes(3 * Self.window + 5)
            async let writing: Void = withTaskExecutorPreference(outgoing.executor) {
                for start in stride(from: 0, to: bytes.count, by: TransportConfiguration.writeBytes) {
                    try await outgoing.write(Array(bytes[start...].prefix(TransportConfiguration.writeBytes)))
                }
                try await outgoing.finish()
            }
            let received = try await withTaskExecutorPreference(incoming.executor) {
                let thread = try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
                #expect(thread.hasPrefix("NIO-"), "the reader runs on an event loop, not on \(thread)")
                var received: [UInt8] = []
                for try await chunk in incoming.chunks { received += chunk }
                return received
            }
            try await writing
            #expect(received == bytes)
        }
    }

    @Test func emptyStreamNeedsNoCredit() async throws {
        try await withConnection { client, server in
            let outgoing = try await server.openStream(header: [])
            try await outgoing.finish(trailer: [7])
            let incoming = try await client.stream()
            for try await _ in incoming.chunks { Issue.record("there is no chunk") }
            #expect(try incoming.trailer() == [7])
        }
    }

    @Test func nothingFlowsBeforeAcceptance() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let written = Counter()
            async let writing: Void = {
                try await outgoing.write([1])
                written.add(1)
            }()
            let incoming = try await server.stream()
            // A round trip on the same connection is later than anything the write could have sent.
            _ = try await client.ping()
            _ = try await client.ping()
            #expect(written.value == 0)
            incoming.accept()
            try await writing
            #expect(written.value == 1)
        }
    }

    @Test func writerWaitsForASlowReader() async throws {
        let total = 20 << 20
        let piece = 64 << 10
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let incoming = try await server.stream()
            incoming.accept()
            let written = Counter()
            async let writing: Void = {
                let bytes = [UInt8](repeating: 5, count: piece)
                for _ in 0..<(total / piece) {
                    try await outgoing.write(bytes)
                    written.add(piece)
                }
                try await outgoing.finish()
            }()
            var read = 0
            var aheadMax = 0
            for try await chunk in incoming.chunks {
                read += chunk.count
                aheadMax = max(aheadMax, written.value - read)
                // The reader is slow, so that only credit can hold the writer back.
                if read < 4 << 20 { try await Task.sleep(for: .milliseconds(2)) }
            }
            try await writing
            #expect(read == total)
            #expect(aheadMax <= Self.window, "\(aheadMax) bytes ran ahead")
            #expect(aheadMax > 0, "the window was used")
        }
    }

    @Test func writerStopsAtTheWindowWhenNobodyReads() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let incoming = try await server.stream()
            incoming.accept()
            let written = Counter()
            let writing = Task {
                while true {
                    try await outgoing.write([UInt8](repeating: 1, count: 4_096))
                    written.add(4_096)
                }
            }
            #expect(try await eventually { written.value == Self.window })
            for _ in 0..<10 { _ = try await client.ping() }
            #expect(written.value == Self.window)
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
            // A cancelled write leaves a hole: the receiver learns that the stream is broken.
            await #expect(throws: StreamReset(code: .abandoned)) {
                for try await _ in incoming.chunks {}
            }
        }
    }

    @Test func refusedStreamTellsTheWriterWhy() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let writing = Task { try await outgoing.write([UInt8](repeating: 1, count: 3 << 20)) }
            let incoming = try await server.stream()
            incoming.refuse(42)
            await #expect(throws: StreamRefused(code: 42)) { try await writing.value }
            await #expect(throws: StreamRefused(code: 42)) { try await outgoing.finish() }
            await #expect(throws: StreamRefused(code: 42)) { for try await _ in incoming.chunks {} }
        }
    }

    @Test func refusalInMidStreamHarmsNoOther() async throws {
        try await withConnection { client, server in
            let bad = try await client.openStream(header: [0])
            let badIncoming = try await server.stream()
            badIncoming.accept()
            let writing = Task { try await bad.write([UInt8](repeating: 1, count: 3 << 20)) }
            for try await _ in badIncoming.chunks { break }
            badIncoming.refuse(1)
            await #expect(throws: StreamRefused(code: 1)) { try await writing.value }
            let good = try await client.openStream(header: [1])
            let goodIncoming = try await server.stream()
            goodIncoming.accept()
            try await good.write([5, 6])
            try await good.finish()
            var received: [UInt8] = []
            for try await chunk in goodIncoming.chunks { received += chunk }
            #expect(received == [5, 6])
        }
    }

    @Test func resetAndLettingGoReachTheReader() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            let incoming = try await server.stream()
            outgoing.reset(3)
            await #expect(throws: StreamReset(code: 3)) { for try await _ in incoming.chunks {} }
            await #expect(throws: ConnectionError.streamFinished) { try await outgoing.write([1]) }
            _ = try await client.openStream(header: [])
            let abandoned = try await server.stream()
            await #expect(throws: StreamReset(code: .abandoned)) { for try await _ in abandoned.chunks {} }
        }
    }

    @Test func streamThatNobodyHoldsIsRefused() async throws {
        try await withConnection { client, server in
            let outgoing = try await client.openStream(header: [])
            do { _ = try await server.stream() }
            await #expect(throws: StreamRefused(code: .abandoned)) { try await outgoing.write([1]) }
        }
    }

    @Test func interleavedStreamsArriveWhole() async throws {
        let size = 3 << 20
        try await withConnection { client, server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in UInt8(0)..<4 {
                    let outgoing = try await client.openStream(header: [index])
                    let incoming = try await server.stream()
                    incoming.accept()
                    group.addTask {
                        try await outgoing.write([UInt8](repeating: index, count: size))
                        try await outgoing.finish(trailer: [index])
                    }
                    group.addTask {
                        var sum = 0
                        for try await chunk in incoming.chunks {
                            #expect(chunk.allSatisfy { $0 == incoming.header[0] })
                            sum += chunk.count
                        }
                        #expect(sum == size)
                        #expect(try incoming.trailer() == incoming.header)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func messageWaitsForWhatIsOnItsWayAndNotForWhatIsQueued() async throws {
        try await withConnection { client, server in
            let received = Counter()
            let outgoing = try await client.openStream(header: [])
            let incoming = try await server.stream()
            incoming.accept()
            let bulk = 128 << 20
            let writing = Task { try await outgoing.write([UInt8](repeating: 0, count: bulk)) }
            let reading = Task { for try await chunk in incoming.chunks { received.add(chunk.count) } }
            #expect(try await eventually { received.value > 0 })
            for index in UInt8(0)..<10 {
                let before = received.value
                try await client.send([index])
                #expect(try await server.message() == [index])
                // All of it is queued; a window of it at most is ahead, and the reader may be a window behind.
                #expect(received.value - before <= 4 * Self.window)
            }
            #expect(received.value < bulk)
            writing.cancel()
            _ = await writing.result
            _ = await reading.result
        }
    }

    @Test func openStreamsAreBoundedAndPlacesComeBack() async throws {
        var configuration = TransportConfiguration()
        configuration.streamsMax = 2
        let listener = try await federation.listen(configuration: configuration)
        let (client, server) = try await federation.connect(listener)
        let first = try await client.openStream(header: [])
        let second = try await client.openStream(header: [])
        await #expect(throws: ConnectionError.tooManyStreams(maximum: 2)) { try await client.openStream(header: []) }
        try await first.finish()
        let third = try await client.openStream(header: [])
        let firstIncoming = try await server.stream()
        let secondIncoming = try await server.stream()
        secondIncoming.refuse(1)
        await #expect(throws: StreamRefused(code: 1)) { try await second.write([1]) }
        _ = try await client.openStream(header: [])
        _ = (firstIncoming, third)
        await client.close()
        await listener.close()
    }

    @Test func edgesAndMessagesTooLongAreRefusedHere() async throws {
        try await withConnection { client, _ in
            let edge = TransportConfiguration.streamEdgeBytesMax
            let long = [UInt8](repeating: 0, count: edge + 1)
            let error = ConnectionError.streamEdgeTooLong(count: edge + 1, maximum: edge)
            await #expect(throws: error) { try await client.openStream(header: long) }
            let stream = try await client.openStream(header: Array(long.dropFirst()))
            await #expect(throws: error) { try await stream.finish(trailer: long) }
            await #expect(throws: ConnectionError.messageTooLong(count: 1 << 20 + 1, maximum: 1 << 20)) {
                try await client.send([UInt8](repeating: 0, count: 1 << 20 + 1))
            }
        }
    }

    @Test func connectionsEndIsTheStreamsEnd() async throws {
        let listener = try await federation.listen()
        let (client, server) = try await federation.connect(listener)
        let outgoing = try await client.openStream(header: [])
        let incoming = try await server.stream()
        let writing = Task { try await outgoing.write([1]) }
        await server.close(reason: .shutdown)
        await #expect(throws: ConnectionError.closed(.shutdown)) { try await writing.value }
        await #expect(throws: ConnectionError.closed(.shutdown)) { for try await _ in incoming.chunks {} }
        await listener.close()
    }
}
