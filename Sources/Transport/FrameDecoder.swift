// SPDX-License-Identifier: MIT

import NIOCore
import TLS

/// Cuts a stream of bytes into frames, holding at most one unfinished frame.
///
/// Type and length are judged as soon as they are there, before a body is waited for. The bytes of a long body are
/// gathered in the memory in which they are handed on.
struct FrameDecoder {
    /// A message or a chunk of which some bytes are there.
    private struct Unfinished {
        /// nil for a message.
        let stream: StreamID?
        let count: Int
        var bytes: [UInt8] = []

        var missing: Int { count - bytes.count }
        var frame: Frame { stream.map { .chunk($0, bytes[...]) } ?? .message(bytes) }
    }

    /// The length from which on a body is gathered apart.
    private static let longCountMin = 4 << 10

    private let messageBytesMax: Int
    private var buffer = ByteBuffer()
    private var unfinished: Unfinished?

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    /// The bytes that wait for the rest of their frame.
    var bufferedCount: Int { buffer.readableBytes + (unfinished?.bytes.count ?? 0) }

    /// Lends the memory in which the next bytes belong, room for one byte at least; `next()` then takes the frames out.
    ///
    /// - Parameter count: how many bytes may come.
    mutating func receive(atMost count: Int, _ fill: (inout OutputRawSpan) -> Void) {
        if let missing = unfinished?.missing {
            unfinished?.bytes.append(addingCapacity: min(missing, Self.aheadMax)) { room in
                unsafe room.withUnsafeMutableBufferPointer { buffer, filled in
                    let free = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                    var output = unsafe OutputRawSpan(buffer: free, initializedCount: 0)
                    fill(&output)
                    filled += unsafe output.finalize(for: free)
                }
            }
        } else {
            buffer.discardReadBytes()
            buffer.writeWithOutputRawSpan(
                minimumWritableBytes: min(max(count, 1), Self.roomMax), initializingWith: fill)
        }
    }

    /// A record of TLS: most of a long body then comes where it is gathered.
    private static let roomMax = TLSSession.plaintextCountMax
    /// The most memory that is taken for bytes before they are there: whoever announces a long message has sent nothing yet.
    private static let aheadMax = TransportConfiguration.chunkBytesMax

    /// Returns the next complete frame, nil when more bytes are needed.
    mutating func next() throws(InvalidFrame) -> Frame? {
        if unfinished != nil { return gather() }
        guard let (kind, count) = try header() else { return nil }
        guard buffer.readableBytes >= 5 + count else {
            if count >= Self.longCountMin, begin(kind, count) { return gather() }
            return nil
        }
        buffer.moveReaderIndex(forwardBy: 5)
        guard var body = buffer.readSlice(length: count), let frame = Self.decode(kind, &body) else {
            throw .lengthMismatch(type: kind.rawValue, actual: count)
        }
        if case .chunk(let stream, let bytes) = frame, bytes.isEmpty { throw .chunkEmpty(stream: stream.rawValue) }
        return frame
    }

    /// The type and the length of the body that come next, nil as long as they are not there.
    private func header() throws(InvalidFrame) -> (kind: Frame.Kind, count: Int)? {
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
        return (kind, count)
    }

    /// Begins to gather a body of which not all is there; false if its kind or what is there does not allow it yet.
    private mutating func begin(_ kind: Frame.Kind, _ count: Int) -> Bool {
        switch kind {
        case .message:
            buffer.moveReaderIndex(forwardBy: 5)
            unfinished = Unfinished(stream: nil, count: count, bytes: taken(of: count))
        case .chunk:
            guard let stream = buffer.getInteger(at: buffer.readerIndex + 5, as: UInt32.self) else { return false }
            buffer.moveReaderIndex(forwardBy: 9)
            unfinished = Unfinished(
                stream: StreamID(rawValue: stream), count: count - 4, bytes: taken(of: count - 4))
        default: return false
        }
        return true
    }

    /// Takes what is there of a body of `count` bytes into memory that has room for all of it.
    private mutating func taken(of count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, Self.aheadMax))
        bytes.append(contentsOf: buffer.readableBytesView)
        buffer = ByteBuffer()
        return bytes
    }

    /// Returns the unfinished frame when it is complete.
    private mutating func gather() -> Frame? {
        guard let frame = unfinished, frame.missing == 0 else { return nil }
        unfinished = nil
        return frame.frame
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
