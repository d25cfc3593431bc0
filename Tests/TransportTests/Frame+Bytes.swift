// SPDX-License-Identifier: MIT

import NIOCore

@testable import Transport

extension Frame {
    /// Writes the whole frame behind what `buffer` holds.
    func encode(into buffer: inout ByteBuffer) {
        let rest = encodeHead(into: &buffer)
        buffer.writeBytes(rest)
    }
}

extension FrameDecoder {
    /// Takes bytes as TLS brings them, and all frames that they complete.
    mutating func frames(in bytes: some Collection<UInt8>) throws(InvalidFrame) -> [Frame] {
        var frames: [Frame] = []
        var rest = Array(bytes)[...]
        repeat {
            receive(atMost: rest.count) { output in
                let piece = rest.prefix(output.freeCapacity)
                for byte in piece { output.append(byte) }
                rest = rest.dropFirst(piece.count)
            }
            while let frame = try next() { frames.append(frame) }
        } while !rest.isEmpty
        return frames
    }
}
