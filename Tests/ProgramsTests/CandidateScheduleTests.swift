// SPDX-License-Identifier: MIT

import Testing

@testable import Programs

struct CandidateScheduleTests {
    private let a = HostPort(host: "a", port: 1)
    private let b = HostPort(host: "b", port: 1)

    @Test func eachAddressIsDialledOnceAtATime() {
        var schedule = CandidateSchedule()
        schedule.add(a, at: .zero)
        schedule.add(a, at: .zero)
        schedule.add(b, at: .zero)
        #expect(schedule.next(at: .zero) == a)
        #expect(schedule.next(at: .zero) == b)
        #expect(schedule.next(at: .seconds(9)) == nil)
    }

    @Test func aFailureIsTriedAgainAfterAPauseThatDoubles() {
        var schedule = CandidateSchedule()
        schedule.add(a, at: .zero)
        var now = Duration.zero
        for pause in [250, 500, 1000, 2000, 4000, 4000] {
            #expect(schedule.next(at: now) == a)
            schedule.failed(a, at: now)
            #expect(schedule.next(at: now + .milliseconds(pause - 1)) == nil)
            now += .milliseconds(pause)
        }
    }

    @Test func aKnownAddressIsTriedEverySecond() {
        var schedule = CandidateSchedule()
        schedule.add(a, at: .zero, isKnown: true)
        var now = Duration.zero
        for pause in [250, 500, 1000, 1000, 1000] {
            #expect(schedule.next(at: now) == a)
            schedule.failed(a, at: now)
            #expect(schedule.next(at: now + .milliseconds(pause - 1)) == nil)
            now += .milliseconds(pause)
        }
    }

    @Test func aNewAddressComesBeforeOneThatKeepsFailing() {
        var schedule = CandidateSchedule()
        schedule.add(a, at: .zero)
        _ = schedule.next(at: .zero)
        schedule.failed(a, at: .zero)
        schedule.add(b, at: .milliseconds(100))
        #expect(schedule.next(at: .seconds(1)) == b)
    }

    @Test func aFloodOfAddressesIsBounded() {
        var schedule = CandidateSchedule()
        for port in 1...1000 { schedule.add(HostPort(host: "x", port: UInt16(port)), at: .zero) }
        #expect(schedule.addresses.count == CandidateSchedule.candidatesMax)
    }

    @Test func aFloodOfFalseAddressesKeepsNoOtherOut() {
        var schedule = CandidateSchedule()
        for port in 1...1000 { schedule.add(HostPort(host: "x", port: UInt16(port)), at: .zero) }
        schedule.add(a, at: .zero)
        #expect(!schedule.addresses.contains(a))
        for second in 1...2 {
            let now = Duration.seconds(second)
            while let next = schedule.next(at: now) { schedule.failed(next, at: now) }
        }
        schedule.add(a, at: .seconds(2))
        #expect(schedule.addresses.contains(a))
        #expect(schedule.addresses.count == CandidateSchedule.candidatesMax)
    }
}
