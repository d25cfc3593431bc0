// SPDX-License-Identifier: MIT

import Synchronization

/// Remembers the signal that ended a program, for its exit code.
final class SignalNumber: Sendable {
    private let value = Atomic<Int32>(0)

    /// The signal; nil if none came.
    var number: Int32? {
        let number = value.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    func set(_ number: Int32) { value.store(number, ordering: .relaxed) }
}
