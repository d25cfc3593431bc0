// SPDX-License-Identifier: MIT

/// One measured row, as it stands in the JSON.
struct Row: Encodable {
    let name: String
    let variant: String
    let memory: Benchmark.Memory
    let elements: Int
    let threads: Int
    let streams: Int?
    let modulusBits: Int?
    let nsPerElement: Double
    let gbPerS: Double
    let reference: String
    let referenceNsPerElement: Double
    let ratio: Double
    let limit: Double?
    let allocationsPerCall: Double
    let allocationsPerBlock: Int
    let repetitions: Int

    init(_ benchmark: Benchmark, _ measurement: Measurement, repetitions: Int) {
        name = benchmark.name
        variant = benchmark.variant
        memory = benchmark.memory
        elements = benchmark.elements
        threads = benchmark.threads
        streams = benchmark.streams
        modulusBits = benchmark.modulusBits
        nsPerElement = measurement.own / Double(benchmark.elements)
        gbPerS = Double(benchmark.bytes) / measurement.own
        reference = benchmark.reference
        referenceNsPerElement = measurement.reference / Double(benchmark.elements)
        ratio = measurement.ratio
        limit = benchmark.limit
        allocationsPerCall = measurement.allocationsPerCall
        allocationsPerBlock = benchmark.allocationsPerBlock
        self.repetitions = repetitions
    }

    /// What distinguishes the row.
    var title: String {
        let parts = [name, variant, "\(elements) elements", threads == 1 ? "" : "\(threads) threads"]
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// Blocks of 2^16 elements, the last one shorter.
    var blocks: Int { (elements + 65_535) / 65_536 }

    /// Whether the row falls short of what is demanded of it.
    var isMissed: Bool { limit.map { ratio < $0 } ?? false }

    enum CodingKeys: String, CodingKey {
        case name, variant, memory, elements, threads, streams, reference, ratio, limit, repetitions
        case modulusBits = "modulus_bits"
        case nsPerElement = "ns_per_element"
        case gbPerS = "gb_per_s"
        case referenceNsPerElement = "reference_ns_per_element"
        case allocationsPerCall = "allocations_per_call"
        case allocationsPerBlock = "allocations_per_block_max"
    }
}
