// SPDX-License-Identifier: MIT

import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite struct FrameTests {
    private static let stream = StreamID(rawValue: 5)

    /// Every kind, with the bytes behind the length.
    private static let examples: [(Frame, [UInt8])] = [
        // Type 0; u16 version; u32 longest message; u32 streams.
        (
            .welcome(Welcome(messageBytesMax: 0x0010_0000, streamsMax: 64)),
            [0, 0, 1, 0, 0x10, 0, 0, 0, 0, 0, 64]
        ),
        // Type 1; the message.
        (.message([7, 8]), [1, 7, 8]),
        (.message([]), [1]),
        // Type 2; u32 stream; the header.
        (.streamOpen(stream, header: [9]), [2, 0, 0, 0, 5, 9]),
        // Type 3; u32 stream; the bytes.
        (.chunk(stream, [1, 2, 3]), [3, 0, 0, 0, 5, 1, 2, 3]),
        // Type 4; u32 stream; the trailer.
        (.streamEnd(stream, trailer: []), [4, 0, 0, 0, 5]),
        // Type 5; u32 stream; u32 bytes.
        (.credit(stream, bytes: 0x0102), [5, 0, 0, 0, 5, 0, 0, 1, 2]),
        // Types 6 and 7; u32 stream; u32 code.
        (.refuse(stream, 3), [6, 0, 0, 0, 5, 0, 0, 0, 3]),
        (.reset(stream, .abandoned), [7, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff]),
        // Types 8 and 9; u64 nonce.
        (.ping(0x0102_0304_0506_0708), [8, 1, 2, 3, 4, 5, 6, 7, 8]),
        (.pong(1), [9, 0, 0, 0, 0, 0, 0, 0, 1]),
        // Type 10; u32 reason.
        (.goodbye(.shutdown), [10, 0, 0, 0, 1]),
    ]

    private func encode(_ frame: Frame) -> [UInt8] {
        var buffer = ByteBuffer()
        frame.encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }

    private func decode(_ bytes: [UInt8]) throws(InvalidFrame) -> [Frame] {
        var decoder = FrameDecoder(messageBytesMax: 1_000)
        return try decoder.frames(in: bytes)
    }

    @Test func everyKindHasItsBytes() throws {
        #expect(Set(Self.examples.map(\.0.kind)) == Set(Frame.Kind.allCases))
        for (frame, body) in Self.examples {
            #expect(encode(frame) == [0, 0, 0, UInt8(body.count)] + body)
            var decoder = FrameDecoder(messageBytesMax: 1 << 20)
            #expect(try decoder.frames(in: encode(frame)) == [frame])
        }
    }

    @Test func framesComeOutWhateverTheCuts() throws {
        let all = Self.examples.flatMap { encode($0.0) }
        for size in [1, 2, 3, 7, 64] {
            var decoder = FrameDecoder(messageBytesMax: 1_000)
            var frames: [Frame] = []
            for start in stride(from: 0, to: all.count, by: size) {
                frames += try decoder.frames(in: all[start..<min(start + size, all.count)])
            }
            #expect(frames == Self.examples.map(\.0))
            #expect(decoder.bufferedCount == 0)
        }
    }

    @Test func lengthsAtTheLimitPassAndBeyondFail() throws {
        let chunk = Frame.chunk(Self.stream, [UInt8](repeating: 1, count: TransportConfiguration.chunkBytesMax)[...])
        #expect(try decode(encode(chunk)) == [chunk])
        #expect(try decode(encode(.message([UInt8](repeating: 0, count: 1_000)))).count == 1)
        // The body need not be there for the verdict.
        #expect(throws: InvalidFrame.tooLong(type: 1, count: 1_001, maximum: 1_000)) {
            try decode([0, 0, 0x03, 0xea, 1])
        }
        #expect(
            throws: InvalidFrame.tooLong(
                type: 3, count: 0xffff_fffe, maximum: 4 + TransportConfiguration.chunkBytesMax)
        ) { try decode([0xff, 0xff, 0xff, 0xff, 3]) }
    }

    @Test func longFramesComeOutWhateverTheCuts() throws {
        let chunk = Frame.chunk(Self.stream, SecureRandom.bytes(100_000)[...])
        let message = Frame.message(SecureRandom.bytes(300_001))
        let all = [chunk, .ping(1), message, chunk].flatMap(encode)
        for size in [1, 5, 9, 4_096, 16_384, 65_536, all.count] {
            var decoder = FrameDecoder(messageBytesMax: 1 << 20)
            var frames: [Frame] = []
            for start in stride(from: 0, to: all.count, by: size) {
                frames += try decoder.frames(in: all[start..<min(start + size, all.count)])
                #expect(decoder.bufferedCount <= 300_001)
            }
            #expect(frames == [chunk, .ping(1), message, chunk], "pieces of \(size)")
            #expect(decoder.bufferedCount == 0)
        }
    }

    @Test func announcedBytesTakeNoMemoryBeforeTheyCome() throws {
        var decoder = FrameDecoder(messageBytesMax: 1 << 30)
        let head: [UInt8] = [0x40, 0, 0, 0, 1]
        #expect(try decoder.frames(in: head + [UInt8](repeating: 0, count: 10_000)) == [])
        var room = 0
        decoder.receive(atMost: 1) { room = $0.freeCapacity }
        #expect((1...TransportConfiguration.chunkBytesMax).contains(room))
        #expect(decoder.bufferedCount == 10_000)
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0], .lengthZero),
            ([0, 0, 0, 1, 11], .unknownType(11)),
            ([0, 0, 0, 1, 8], .lengthMismatch(type: 8, actual: 0)),
            ([0, 0, 0, 4, 3, 0, 0, 0], .lengthMismatch(type: 3, actual: 3)),
            ([0, 0, 0, 5, 3, 0, 0, 0, 5], .chunkEmpty(stream: 5)),
            ([0, 0, 0, 10, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9], .tooLong(type: 8, count: 9, maximum: 8)),
        ] as [([UInt8], InvalidFrame)])
    func malformedFrameSaysHow(bytes: [UInt8], expected: InvalidFrame) {
        #expect(throws: expected) { try decode(bytes) }
    }

    @Test func randomBytesNeverTrapAndNeverBufferMoreThanAFrame() {
        for _ in 0..<10_000 {
            var bytes = SecureRandom.bytes(64)
            // Half of them get a plausible length and type, so that bodies are looked at too.
            if bytes[5] % 2 == 0 { bytes.replaceSubrange(0..<5, with: [0, 0, 0, bytes[6] % 60, bytes[7] % 12]) }
            do throws(InvalidFrame) {
                _ = try decode(bytes)
            } catch {
                #expect(!error.name.isEmpty)
            }
        }
    }
}
