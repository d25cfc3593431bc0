// SPDX-License-Identifier: MIT

extension ShareError: CustomStringConvertible {
    /// Says what is wrong; ids and hashes are public, and nothing else is shown.
    public var description: String {
        switch self {
        case .contextMismatch(let expected, let actual):
            "a share of round context \(Self.hex(actual)) where \(Self.hex(expected)) is summed"
        case .countMismatch(let expected, let actual):
            "a vector of \(actual) elements where \(expected) are summed"
        case .duplicateParty(let party):
            "the mask of party \(Self.hex(party)) twice"
        case .duplicateShare(let index):
            "share \(index) twice"
        case .duplicateSlot(let slot):
            "the mask of slot \(slot) twice"
        case .field(let error):
            "field arithmetic: \(error)"
        case .inconsistentShare(let index):
            "share \(index) contradicts the others: leave out shares until the rest agree"
        case .indexOutOfRange(let index, let shareCount):
            "share \(index) of a secret that was split into \(shareCount) shares"
        case .modulusMismatch(let expected, let actual):
            "a share or secret modulo \(actual) where one modulo \(expected) is expected"
        case .noShares:
            "no shares to combine"
        case .partyMismatch(let expected, let actual):
            "a mask of party \(Self.hex(actual)) among those of \(Self.hex(expected))"
        case .selfCheckFailed(let block):
            "the kernels and GMP have different sums of block \(block): this host does not compute reliably"
        case .shareCountMismatch(let expected, let actual):
            "one of \(actual) shares among shares that are \(expected) in all"
        case .slotMismatch(let expected, let actual):
            "a mask of slot \(actual) among those of slot \(expected)"
        case .thresholdMismatch(let expected, let actual):
            "a share of a sharing with threshold \(actual) where the threshold is \(expected)"
        case .thresholdOutOfRange(let threshold, let shareCount):
            "a threshold of \(threshold) for \(shareCount) shares: choose one from 1 to the number of shares"
        case .tooFewShares(let expected, let actual):
            "\(actual) shares, but it takes \(expected)"
        case .tooManyShares(let count, let shareCountMax):
            "\(count) shares, but this field allows at most \(shareCountMax): choose a larger prime or fewer shares"
        case .wrongLength(let field, let expected, let actual):
            "a \(field) of \(actual) bytes where \(expected) are expected"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
