// SPDX-License-Identifier: MIT

/// Sums up a run: the content of `summary.json`.
///
/// Derived from the description and the records of the applied rounds by one rule for both arms.
/// `metrics/README.md` documents every key.
public struct RunSummary: Equatable, Sendable {
    /// The conditions of the run.
    public var description: RunDescription
    /// How it ended.
    public var outcome: RunOutcome
    /// Why it ended so, one sentence; nil when it completed.
    public var reason: String?
    /// The number of applied rounds.
    public var rounds: Int
    /// The accuracy after the last applied round, 0…1; 0 without one.
    public var accuracy: Double
    /// The loss after the last applied round, in nats; 0 without one.
    public var loss: Double
    /// The mean over clients and rounds of the bytes sent, TLS and all connections included.
    public var bytesUpPerClientRound: Double
    /// The mean over clients and rounds of the bytes received, TLS and all connections included.
    public var bytesDownPerClientRound: Double
    /// The median over rounds of the time from the last training's end to the last durable apply, in seconds.
    public var aggregationSecondsPerRound: Double
    /// The largest resident set that any process of the run reached, server or client, in bytes.
    public var peakMemoryBytes: Int
    /// The `paramsHash` after each applied round, in order, hexadecimal.
    public var paramsHashes: [String]
    /// The wall-clock time of the whole run, in seconds.
    public var seconds: Double
    /// What the coordinator refused, by kind: handshakes, frames, messages, streams; empty when nothing was counted.
    public var counters: [String: Int]

    /// Derives the summary of a run from its records, which must be in round order.
    public init(
        description: RunDescription, records: [RoundRecord], outcome: RunOutcome, reason: String? = nil,
        seconds: Double, peakMemoryBytes: Int, counters: [String: Int] = [:]
    ) {
        self.counters = counters
        self.description = description
        self.outcome = outcome
        self.reason = reason
        rounds = records.count
        accuracy = records.last?.accuracy ?? 0
        loss = records.last?.loss ?? 0
        bytesUpPerClientRound = mean(records.map(\.bytesUpTotal))
        bytesDownPerClientRound = mean(records.map(\.bytesDownTotal))
        aggregationSecondsPerRound = median(records.map(\.aggregationSeconds))
        self.peakMemoryBytes = peakMemoryBytes
        paramsHashes = records.map(\.paramsHash)
        self.seconds = seconds
    }
}

extension RunSummary: Codable {
    enum CodingKeys: String, CodingKey {
        case outcome
        case reason
        case rounds
        case accuracy
        case loss
        case bytesUpPerClientRound = "bytes_up_per_client_round"
        case bytesDownPerClientRound = "bytes_down_per_client_round"
        case aggregationSecondsPerRound = "aggregation_seconds_per_round"
        case peakMemoryBytes = "peak_memory_bytes"
        case paramsHashes = "params_hashes"
        case seconds
        case counters
    }

    /// Reads one flat object: the keys of the description and those of the summary.
    public init(from decoder: any Decoder) throws {
        description = try RunDescription(from: decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        outcome = try keys.decode(RunOutcome.self, forKey: .outcome)
        reason = try keys.decodeIfPresent(String.self, forKey: .reason)
        rounds = try keys.decode(Int.self, forKey: .rounds)
        accuracy = try keys.decode(Double.self, forKey: .accuracy)
        loss = try keys.decode(Double.self, forKey: .loss)
        bytesUpPerClientRound = try keys.decode(Double.self, forKey: .bytesUpPerClientRound)
        bytesDownPerClientRound = try keys.decode(Double.self, forKey: .bytesDownPerClientRound)
        aggregationSecondsPerRound = try keys.decode(Double.self, forKey: .aggregationSecondsPerRound)
        peakMemoryBytes = try keys.decode(Int.self, forKey: .peakMemoryBytes)
        paramsHashes = try keys.decode([String].self, forKey: .paramsHashes)
        seconds = try keys.decode(Double.self, forKey: .seconds)
        counters = try keys.decodeIfPresent([String: Int].self, forKey: .counters) ?? [:]
    }

    /// Writes one flat object: the keys of the description and those of the summary.
    public func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(outcome, forKey: .outcome)
        try keys.encodeIfPresent(reason, forKey: .reason)
        try keys.encode(rounds, forKey: .rounds)
        try keys.encode(accuracy, forKey: .accuracy)
        try keys.encode(loss, forKey: .loss)
        try keys.encode(bytesUpPerClientRound, forKey: .bytesUpPerClientRound)
        try keys.encode(bytesDownPerClientRound, forKey: .bytesDownPerClientRound)
        try keys.encode(aggregationSecondsPerRound, forKey: .aggregationSecondsPerRound)
        try keys.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
        try keys.encode(paramsHashes, forKey: .paramsHashes)
        try keys.encode(seconds, forKey: .seconds)
        if !counters.isEmpty { try keys.encode(counters, forKey: .counters) }
    }
}

/// Averages the values; 0 of none.
func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
}

/// Gives the middle value, or the mean of the two middle ones; 0 of none.
func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
