// SPDX-License-Identifier: MIT

/// One fact as it was appended. What it means is for the machine that had it written.
public struct StoredFact: Equatable, Sendable {
    /// Ascending from 1.
    public let number: Int64
    /// The name of the kind of fact, for people who look.
    public let kind: String
    /// JSON.
    public let body: [UInt8]
}
