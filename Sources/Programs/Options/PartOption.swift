// SPDX-License-Identifier: MIT

import ArgumentParser

/// Names one part of a data set cut into equal shares: `i/N`, from `0/N` to `N-1/N`.
public struct PartOption: Hashable, Sendable {
    /// The part, 0..<count.
    public let index: Int
    /// The number of parts, 1…1,000,000.
    public let count: Int

    /// Names part `index` of `count`; nil if there is no such part.
    public init?(index: Int, count: Int) {
        guard (1...1_000_000).contains(count), (0..<count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }
}

extension PartOption: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "a part i/N with i from 0 to N-1, such as 0/10"

    /// Reads `i/N`; nil if it is not that, or i is not below N.
    public init?(argument: String) {
        let fields = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count == 2, fields.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let index = Int(fields[0]), let count = Int(fields[1])
        else { return nil }
        self.init(index: index, count: count)
    }

    /// Gives the text that reads back as the same part.
    public var defaultValueDescription: String { description }
}

extension PartOption: CustomStringConvertible {
    /// Writes `i/N`.
    public var description: String { "\(index)/\(count)" }
}
