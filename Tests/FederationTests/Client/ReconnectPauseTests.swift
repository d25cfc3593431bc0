// SPDX-License-Identifier: MIT

import Testing

@testable import SMPCClient

@Suite struct ReconnectPauseTests {
    @Test func aCoordinatorThatRefusesIsAskedMoreAndMoreSeldom() {
        var pause = ReconnectPause()
        var pauses: [Duration] = []
        for _ in 0..<7 {
            pause.ended(after: .seconds(9), results: 0)
            pauses.append(pause.length)
        }
        #expect(pauses == [400, 800, 1_600, 3_200, 5_000, 5_000, 5_000].map { .milliseconds($0) })
    }

    /// However short its life was: a server that is restarted in every round is found as soon each time.
    @Test(arguments: [(Duration.milliseconds(300), 1), (.seconds(10), 0)])
    func aConnectionThatWasOfUseIsNoRefusal(life: Duration, results: Int) {
        var pause = ReconnectPause()
        for _ in 0..<5 { pause.ended(after: .zero, results: 0) }
        pause.ended(after: life, results: results)
        #expect(pause.length == .milliseconds(200))
    }
}
