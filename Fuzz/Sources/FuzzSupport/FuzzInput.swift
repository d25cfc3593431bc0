// SPDX-License-Identifier: MIT

/// What libFuzzer hands over: bytes that it made up, and takes back when the call ends.
public struct FuzzInput {
    private let bytes: UnsafeBufferPointer<UInt8>

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// A copy of all bytes.
    public var all: [UInt8] { Array(bytes) }

    /// Takes the first byte as a choice among `count`, and a copy of the rest as the bytes to decode; nil where there is none.
    public func choice(of count: Int) -> (index: Int, rest: [UInt8])? {
        guard let first = bytes.first else { return nil }
        return (Int(first) % count, Array(bytes.dropFirst()))
    }
}

/// Stops the run: libFuzzer keeps the input that led here.
public func demand(_ isTrue: Bool, _ claim: @autoclosure () -> String) {
    precondition(isTrue, claim())
}
