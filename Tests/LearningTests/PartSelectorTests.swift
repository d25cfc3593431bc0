// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct PartSelectorTests {
    @Test func textNamesAPart() throws {
        let part = try PartSelector(parsing: "3/10")
        #expect(part.index == 3 && part.count == 10)
        #expect(part.description == "3/10")
    }

    @Test(arguments: ["", "1", "1/1", "-1/3", "0/0", "0/10001", "a/b", "1/2/3", "1/ 2"])
    func faultyTextIsRefused(text: String) {
        #expect(throws: DataError.self) { try PartSelector(parsing: text) }
    }

    @Test(arguments: [(10, 3), (2, 5), (0, 4), (10_000, 10)])
    func rangesCoverEverythingOnce(total: Int, count: Int) throws {
        let ranges = try (0..<count).map { try PartSelector(index: $0, count: count).range(of: total) }
        #expect(ranges.flatMap { Array($0) } == Array(0..<total))
        #expect(ranges.map(\.count).max()! - ranges.map(\.count).min()! <= 1)
    }
}
