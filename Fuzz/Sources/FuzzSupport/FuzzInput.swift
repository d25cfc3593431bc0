// SPDX-License-Identifier: MIT

/// What libFuzzer hands over: bytes that it made up.
public enum FuzzInput {
    /// Copies the input; libFuzzer takes its own back when the call ends.
    public static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// Takes the first byte as a choice among `count`, the rest as the bytes to decode; nil where there is none.
    public static func choice(of count: Int, in bytes: [UInt8]) -> (index: Int, rest: [UInt8])? {
        guard let first = bytes.first else { return nil }
        return (Int(first) % count, Array(bytes.dropFirst()))
    }
}

/// Stops the run: libFuzzer keeps the input that led here.
public func demand(_ isTrue: Bool, _ claim: @autoclosure () -> String) {
    precondition(isTrue, claim())
}
