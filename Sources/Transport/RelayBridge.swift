// SPDX-License-Identifier: MIT

import NIOConcurrencyHelpers

/// Counts what a relay carries, in both directions together, and says when it is too much.
public final class RelayAllowance: Sendable {
    private let rest: NIOLockedValueBox<Int>
    private let whole: Int

    /// Allows so many bytes.
    public init(bytes: Int) {
        whole = bytes
        rest = NIOLockedValueBox(bytes)
    }

    /// The bytes that were carried.
    public var used: Int { whole - rest.withLockedValue { $0 } }

    /// Takes bytes; false if there are not so many.
    func take(_ count: Int) -> Bool {
        rest.withLockedValue { rest in
            guard count <= rest else { return false }
            rest -= count
            return true
        }
    }
}

/// Tells that a relay has carried all that it may.
public struct RelayExhausted: Error, Hashable, Sendable {}

/// Carries one direction of a relay, in the middle: whatever comes on a stream of one connection goes out on one of another.
///
/// A window of the incoming stream and one piece under way are all that is held: nothing more is granted before the receiver
/// has taken what there is.
///
/// - Throws: `StreamReset` when the sender gives up, `StreamRefused` when the receiver does, `RelayExhausted`,
///   `ConnectionError`.
public func relay(
    from incoming: IncomingStream, to outgoing: OutgoingStream, allowance: RelayAllowance
) async throws {
    try await relay(from: incoming, to: outgoing, allowance: allowance) { $0 }
}

/// The same, with somebody who sees what passes and may change it: for tests of what a relay can do.
func relay(
    from incoming: IncomingStream, to outgoing: OutgoingStream, allowance: RelayAllowance,
    passing: @Sendable ([UInt8]) -> [UInt8]
) async throws {
    incoming.accept(windowBytes: RelayEnd.windowBytes)
    for try await chunk in incoming.chunks {
        guard allowance.take(chunk.count) else { throw RelayExhausted() }
        try await outgoing.write(passing(chunk))
    }
    try await outgoing.finish()
}
