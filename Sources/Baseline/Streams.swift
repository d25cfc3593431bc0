// SPDX-License-Identifier: MIT

import Averaging
import Transport

extension OutgoingStream {
    /// Sends bytes and ends the stream.
    func sendAll(_ bytes: [UInt8]) async throws {
        try await withTaskExecutorPreference(executor) { try await write(bytes) }
        try await finish()
    }
}

extension IncomingStream {
    /// Accepts the stream and reads exactly `count` bytes.
    ///
    /// - Throws: `InvalidAveragingMessage.length` when there are more or fewer, which refuses the stream.
    func readAll(count: Int, as message: String) async throws -> [UInt8] {
        accept()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try await withTaskExecutorPreference(executor) {
            for try await chunk in chunks {
                bytes += chunk
                guard bytes.count <= count else { break }
            }
        }
        guard bytes.count == count else {
            refuse(.invalid)
            throw InvalidAveragingMessage.length(
                message: message, field: "elements", expected: count, actual: bytes.count)
        }
        return bytes
    }
}

extension StreamCode {
    /// The receiver does not wait for this stream, or no longer.
    static let notExpected: StreamCode = 1
    /// The stream is not what its header says.
    static let invalid: StreamCode = 2
}
