// SPDX-License-Identifier: MIT

/// One row of the table before it is measured: what runs, on how much, against what.
struct Benchmark {
    /// Names the kernel, as in the JSON and in `--only`.
    let name: String
    /// Says which case of it this is.
    let variant: String
    /// Where the data lie while it runs.
    let memory: Memory
    /// Elements of the vector.
    let elements: Int
    /// Threads that the kernel uses; the reference uses one.
    var threads = 1
    /// Bytes that one call must read and write, or for masks the bytes of key stream.
    let bytes: Int
    /// What the ratio is against.
    let reference: String
    /// The ratio to reach, if one is demanded.
    var limit: Double?
    /// How often a further block of 2^16 elements may ask for memory. The loops over its elements may not; what remains is
    /// libcrypto's HMAC, which does so five times for every key stream that is started, and hash values, which are arrays.
    var allocationsPerBlock = 0
    /// How many streams or members take part, where that is a parameter.
    var streams: Int?
    /// Bits of the modulus, where that is a parameter.
    var modulusBits: Int?
    /// Allocates what is needed, so that not all vectors live at once.
    let prepare: () throws -> Contest

    /// Where vectors lie.
    enum Memory: String, Codable {
        case l2 = "L2"
        case dram = "DRAM"
    }
}

/// The two things that take turns.
struct Contest {
    /// Calls the kernel once over the whole vector.
    let own: () throws -> Void
    /// Calls the reference once over as much.
    let reference: () throws -> Void
}

extension Benchmark {
    /// Elements of vectors in the second-level cache: two of them take a quarter of a MiB.
    static let elementsInCache = 1 << 14
    /// Elements of vectors in DRAM, beyond any cache.
    static let elementsInMemory = 10_000_000

    /// Every case, in the order of the table.
    static var all: [Benchmark] {
        fieldCases + packedCases + maskCases + encodingCases + digitCases + hashCases
    }
}

extension Benchmark {
    /// Every name once, in the order of the table.
    static var names: [String] {
        all.map(\.name).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
