// SPDX-License-Identifier: MIT

/// What is on its way, the earliest first; of two at one moment, the one that was sent first.
struct EventHeap<Event> {
    private var entries: [(time: Int64, order: Int, event: Event)] = []
    private var count = 0

    var nextTime: Int64? { entries.first?.time }

    mutating func push(_ event: Event, at time: Int64) {
        entries.append((time, count, event))
        count += 1
        var index = entries.count - 1
        while index > 0, isBefore(index, (index - 1) / 2) {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func pop() -> (time: Int64, event: Event)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (entries[a].time, entries[a].order) < (entries[b].time, entries[b].order)
    }
}
