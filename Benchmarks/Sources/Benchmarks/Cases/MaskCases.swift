// SPDX-License-Identifier: MIT

import CReference
import FiniteField
import Primitives
import Shares

extension Benchmark {
    /// Expansion of k masks into one accumulator against the key stream alone, and on two threads against one.
    static var maskCases: [Benchmark] {
        let streams = [2, 10, 50]
        let sizes = [(Memory.l2, 1 << 16), (.dram, 1_000_000), (.dram, elementsInMemory)]
        return sizes.flatMap { memory, elements in
            streams.map { expansion(streams: $0, memory, elements: elements) }
        } + streams.map { twoThreads(streams: $0, elements: elementsInMemory) }
    }

    private static func twoThreads(streams: Int, elements: Int) -> Benchmark {
        Benchmark(
            name: "expand_accumulate", variant: "k = \(streams)", memory: .dram, elements: elements, threads: 2,
            bytes: 8 * streams * elements, reference: "one thread", limit: 1.6, allocationsPerBlock: 5 * streams,
            streams: streams
        ) {
            let masks = try masks(streams)
            var accumulator = Field64Vector(unreduced: canonicalWords(elements))
            var other = accumulator
            return Contest {
                accumulator.add(masks: masks, threads: 2)
            } reference: {
                other.add(masks: masks)
            }
        }
    }

    private static func expansion(streams: Int, _ memory: Memory, elements: Int) -> Benchmark {
        Benchmark(
            name: "expand_accumulate", variant: "k = \(streams)", memory: memory, elements: elements,
            bytes: 8 * streams * elements, reference: "AES-128-CTR key stream", limit: 0.7,
            allocationsPerBlock: 5 * streams, streams: streams
        ) {
            let masks = try masks(streams)
            var accumulator = Field64Vector(unreduced: canonicalWords(elements))
            let stream = try KeyStream()
            return Contest {
                accumulator.add(masks: masks)
            } reference: {
                try stream.run(bytes: 8 * streams * elements)
            }
        }
    }

    static func masks(_ count: Int) throws -> [MaskStream] {
        try (0..<count).map { index in
            try MaskStream(
                key: MaskKey(SecretBytes(Array(repeating: 7, count: MaskKey.byteCount))),
                context: Array(repeating: 1, count: MaskStream.contextBytes),
                party: Array(repeating: UInt8(index), count: MaskStream.partyBytes), slot: 0)
        }
    }
}

/// Owns a bare key stream.
final class KeyStream {
    struct Unavailable: Error {}

    private let stream: OpaquePointer

    init() throws {
        guard let stream = reference_stream_new() else { throw Unavailable() }
        self.stream = stream
    }

    deinit { reference_stream_free(stream) }

    func run(bytes: Int) throws {
        let last = reference_stream_run(stream, bytes)
        guard last >= 0 else { throw Unavailable() }
        consume(UInt64(last))
    }
}
