// SPDX-License-Identifier: MIT

/// Reads hexadecimal digits; spaces, line ends and everything behind `//` on a line are passed over.
func bytes(hex: String) -> [UInt8] {
    let code = hex.split(separator: "\n").map { line in line.prefix { $0 != "/" } }
    let digits: [Int] = code.joined().compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { index in
        UInt8(digits[index] << 4 | digits[index + 1])
    }
}
