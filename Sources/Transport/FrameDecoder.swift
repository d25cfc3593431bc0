// SPDX-License-Identifier: MIT

import NIOCore

/// Cuts a stream of bytes into frames, holding at most one unfinished frame.
///
/// Type and length are judged as soon as they are there, before a body is waited for.
struct FrameDecoder {
    private let messageBytesMax: Int
    private var buffer = ByteBuffer()

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    /// The bytes that wait for the rest of their frame.
    var bufferedCount: Int { buffer.readableBytes }

    /// Takes bytes as they came.
    mutating func receive(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Returns the next complete frame, nil when more bytes are needed.
    mutating func next() throws(InvalidFrame) -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length > 0 else { throw .lengthZero }
        guard let type = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt8.self) else { return nil }
        guard let kind = Frame.Kind(rawValue: type) else { throw .unknownType(type) }
        let count = Int(length) - 1
        let counts = kind.bodyCounts(messageBytesMax: messageBytesMax)
        guard count <= counts.upperBound else {
            throw .tooLong(type: type, count: count, maximum: counts.upperBound)
        }
        guard count >= counts.lowerBound else { throw .lengthMismatch(type: type, actual: count) }
        guard buffer.readableBytes >= 5 + count else { return nil }
        buffer.moveReaderIndex(forwardBy: 5)
        guard var body = buffer.readSlice(length: count), let frame = Self.decode(kind, &body) else {
            throw .lengthMismatch(type: type, actual: count)
        }
        if case .chunk(let stream, let bytes) = frame, bytes.isEmpty { throw .chunkEmpty(stream: stream.rawValue) }
        return frame
    }

    /// Reads a body whose length is that of its kind.
    private static func decode(_ kind: Frame.Kind, _ body: inout ByteBuffer) -> Frame? {
        switch kind {
        case .welcome:
            body.readMultipleIntegers(as: (UInt16, UInt32, UInt32).self).map {
                .welcome(Welcome(version: $0.0, messageBytesMax: $0.1, streamsMax: $0.2))
            }
        case .message: .message(rest(&body))
        case .streamOpen: stream(&body).map { .streamOpen($0, header: rest(&body)) }
        case .chunk: stream(&body).map { .chunk($0, rest(&body)[...]) }
        case .streamEnd: stream(&body).map { .streamEnd($0, trailer: rest(&body)) }
        case .credit: pair(&body).map { .credit($0, bytes: $1) }
        case .refuse: pair(&body).map { .refuse($0, StreamCode(rawValue: $1)) }
        case .reset: pair(&body).map { .reset($0, StreamCode(rawValue: $1)) }
        case .ping: body.readInteger().map { .ping($0) }
        case .pong: body.readInteger().map { .pong($0) }
        case .goodbye: body.readInteger().map { .goodbye(GoodbyeReason(rawValue: $0)) }
        }
    }

    private static func stream(_ body: inout ByteBuffer) -> StreamID? {
        body.readInteger().map { StreamID(rawValue: $0) }
    }

    private static func pair(_ body: inout ByteBuffer) -> (StreamID, UInt32)? {
        body.readMultipleIntegers(as: (UInt32, UInt32).self).map { (StreamID(rawValue: $0.0), $0.1) }
    }

    private static func rest(_ body: inout ByteBuffer) -> [UInt8] {
        body.readBytes(length: body.readableBytes) ?? []
    }
}
