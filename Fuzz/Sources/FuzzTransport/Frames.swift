// SPDX-License-Identifier: MIT

import FuzzSupport
import NIOCore

@testable import Transport

/// Frames come out the same however the bytes are cut, each is the one encoding of itself, and no more than one
/// unfinished frame is held.
func fuzzFrames(_ input: FuzzInput) {
    guard let (piece, bytes) = input.choice(of: 256) else { return }
    let whole = decode(bytes, pieces: max(bytes.count, 1))
    demand(decode(bytes, pieces: piece + 1) == whole, "the cuts change what comes out")
    var again = ByteBuffer()
    for frame in whole.frames {
        let rest = frame.encodeHead(into: &again)
        again.writeBytes(rest)
    }
    demand(again.readableBytesView.elementsEqual(bytes.prefix(again.readableBytes)), "two encodings of one frame")
}

private struct Outcome: Equatable {
    var frames: [Frame] = []
    var error: InvalidFrame?
}

private let messageBytesMax = 65_536

private func decode(_ bytes: [UInt8], pieces: Int) -> Outcome {
    var decoder = FrameDecoder(messageBytesMax: messageBytesMax)
    var outcome = Outcome()
    do throws(InvalidFrame) {
        for offset in stride(from: 0, to: bytes.count, by: pieces) {
            var piece = bytes[offset..<min(offset + pieces, bytes.count)]
            repeat {
                decoder.receive(atMost: piece.count) { output in
                    demand(output.freeCapacity > 0, "no room is lent")
                    while output.freeCapacity > 0, let byte = piece.popFirst() { output.append(byte) }
                }
                while let frame = try decoder.next() { outcome.frames.append(frame) }
                demand(decoder.bufferedCount <= bytes.count, "more is held than came")
            } while !piece.isEmpty
        }
    } catch {
        outcome.error = error
    }
    return outcome
}
