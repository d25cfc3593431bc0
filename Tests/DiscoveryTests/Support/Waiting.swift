// SPDX-License-Identifier: MIT

@testable import Discovery

/// Asks `condition` every 20 ms until it holds or `timeout` has passed; tells whether it held.
func holds(within timeout: Duration, _ condition: () async -> Bool) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + timeout
    while clock.now < end {
        if await condition() { return true }
        // The network has no event for "nothing more will come": time is what is waited for.
        try await clock.sleep(for: .milliseconds(20))
    }
    return await condition()
}

/// A federation of this test alone: others may be on the same network at the same time.
func freshFederation() -> String { "test-\(UInt64.random(in: .min ... .max).hexadecimal)" }
