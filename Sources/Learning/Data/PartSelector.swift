// SPDX-License-Identifier: MIT

/// Selects part `index` of `count` parts, 0 ≤ index < count: `--part 0/10`.
public struct PartSelector: Sendable, Hashable {
    /// The largest number of parts.
    public static let countMax = 10_000

    /// From 0.
    public let index: Int
    /// How many parts there are.
    public let count: Int

    /// Everything: one part of one.
    public static let whole = PartSelector()

    private init() {
        index = 0
        count = 1
    }

    /// Checks and takes index and count.
    ///
    /// - Throws: `DataError.option` unless 0 ≤ index < count ≤ `countMax`.
    public init(index: Int, count: Int) throws(DataError) {
        guard (1...Self.countMax).contains(count), (0..<count).contains(index) else {
            throw Self.error("\(index)/\(count)")
        }
        self.index = index
        self.count = count
    }

    /// Reads `INDEX/COUNT`.
    ///
    /// - Throws: `DataError.option`.
    public init(parsing text: String) throws(DataError) {
        let fields = text.split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count == 2, let index = Int(fields[0]), let count = Int(fields[1]) else {
            throw Self.error(text)
        }
        try self.init(index: index, count: count)
    }

    private static func error(_ text: String) -> DataError {
        .option("--part", value: text, expected: "INDEX/COUNT with 0 ≤ INDEX < COUNT ≤ \(countMax), such as 0/10")
    }

    /// The contiguous part of `total` elements that is selected: sizes differ by at most one.
    public func range(of total: Int) -> Range<Int> {
        index * total / count..<(index + 1) * total / count
    }
}

extension PartSelector: CustomStringConvertible {
    /// The text that `init(parsing:)` reads.
    public var description: String { "\(index)/\(count)" }
}
