// SPDX-License-Identifier: MIT

import NIOCore

/// What one side tells the other first.
struct Welcome: Hashable, Sendable {
    /// The version of the frames. Version 1 is all there is.
    static let currentVersion: UInt16 = 1

    var version = currentVersion
    /// The most bytes of a message that this side takes.
    var messageBytesMax: UInt32
    /// The most streams that the other side may have open at once.
    var streamsMax: UInt32
}

/// One unit on the wire inside TLS: u32 length of what follows, u8 type, body. All integers are big-endian.
///
/// Streams flow one way. `credit`, `refuse` travel against it; `refuse` is answered by `reset` unless `streamEnd` is on
/// its way already, so that both sides know when a number is out of use.
enum Frame: Hashable, Sendable {
    case welcome(Welcome)
    case message([UInt8])
    case streamOpen(StreamID, header: [UInt8])
    case chunk(StreamID, ArraySlice<UInt8>)
    case streamEnd(StreamID, trailer: [UInt8])
    case credit(StreamID, bytes: UInt32)
    case refuse(StreamID, StreamCode)
    case reset(StreamID, StreamCode)
    case ping(UInt64)
    case pong(UInt64)
    case goodbye(GoodbyeReason)

    /// The first byte after the length.
    enum Kind: UInt8, CaseIterable {
        case welcome, message, streamOpen, chunk, streamEnd, credit, refuse, reset, ping, pong, goodbye

        /// The lengths that a body of this kind may have.
        func bodyCounts(messageBytesMax: Int) -> ClosedRange<Int> {
            switch self {
            case .welcome: 10...10
            case .message: 0...messageBytesMax
            case .streamOpen, .streamEnd: 4...(4 + TransportConfiguration.streamEdgeBytesMax)
            case .chunk: 4...(4 + TransportConfiguration.chunkBytesMax)
            case .credit, .refuse, .reset, .ping, .pong: 8...8
            case .goodbye: 4...4
            }
        }
    }

    var kind: Kind {
        switch self {
        case .welcome: .welcome
        case .message: .message
        case .streamOpen: .streamOpen
        case .chunk: .chunk
        case .streamEnd: .streamEnd
        case .credit: .credit
        case .refuse: .refuse
        case .reset: .reset
        case .ping: .ping
        case .pong: .pong
        case .goodbye: .goodbye
        }
    }
}

extension Frame {
    /// Writes the frame behind what `buffer` holds; a long end of it is returned instead of copied.
    func encodeHead(into buffer: inout ByteBuffer) -> ArraySlice<UInt8> {
        let start = buffer.writerIndex
        buffer.writeMultipleIntegers(UInt32(0), kind.rawValue)
        var rest: ArraySlice<UInt8> = []
        switch self {
        case .welcome(let welcome):
            buffer.writeMultipleIntegers(welcome.version, welcome.messageBytesMax, welcome.streamsMax)
        case .message(let bytes):
            rest = bytes[...]
        case .streamOpen(let stream, let bytes), .streamEnd(let stream, let bytes):
            buffer.writeInteger(stream.rawValue)
            rest = bytes[...]
        case .chunk(let stream, let bytes):
            buffer.writeInteger(stream.rawValue)
            rest = bytes
        case .credit(let stream, let bytes):
            buffer.writeMultipleIntegers(stream.rawValue, bytes)
        case .refuse(let stream, let code), .reset(let stream, let code):
            buffer.writeMultipleIntegers(stream.rawValue, code.rawValue)
        case .ping(let nonce), .pong(let nonce):
            buffer.writeInteger(nonce)
        case .goodbye(let reason):
            buffer.writeInteger(reason.rawValue)
        }
        buffer.setInteger(UInt32(buffer.writerIndex - start - 4 + rest.count), at: start)
        // What is short goes into one record with its head.
        guard rest.count <= Self.copiedCountMax else { return rest }
        buffer.writeBytes(rest)
        return []
    }

    private static let copiedCountMax = 4 << 10
}
