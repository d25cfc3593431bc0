// SPDX-License-Identifier: MIT

import Identity
import Messages
import Primitives
import Testing

@testable import Aggregation

/// Every kind of event in every phase: nothing traps or throws, and once Survivors is stored the set of its round stays
/// what it is. The `Audit` behind each event checks that nothing goes out before it is recorded.
@Suite struct EveryEventTests {
    @Test func noEventInAnyPhaseTrapsOrChangesAFixedSet() throws {
        let states = try States.all()
        let events = try Events.all()
        #expect(Set(states.map(\.stage.machine.phaseName)).count == 10, "every phase is there")
        for state in states {
            for event in events {
                var stage = state.stage
                try follow(event, &stage, "\(state.name): \(event.name)")
            }
        }
    }

    /// Events one after the other, from every state: the same sequence for the same seed.
    @Test(arguments: 1...4) func sequencesOfEventsNeitherTrapNorChangeAFixedSet(seed: UInt64) throws {
        let events = try Events.all()
        var random = Sequence(seed: seed)
        for state in try States.all() {
            var stage = state.stage
            for _ in 0..<40 {
                let event = events[random.next(below: events.count)]
                try follow(event, &stage, "seed \(seed), \(state.name): \(event.name)")
            }
        }
    }

    private func follow(_ event: Events.Event, _ stage: inout Conductor, _ what: String) throws {
        let before = stage.machine.phase.fixedSet
        let skips = stage.facts.count { if case .skipped = $0 { true } else { false } }
        try event.run(&stage)
        guard let before else { return }
        if let after = stage.machine.phase.fixedSet, after.ctx == before.ctx {
            #expect(after.set == before.set, "\(what)")
        }
        for case .survivorsFixed(let envelope, _) in stage.facts {
            let value = try Survivors(payload: envelope.payload)
            guard value.ctx == before.ctx else { continue }
            #expect(value.bitmap == before.set.bitmap, "\(what)")
        }
        if stage.machine.phase.openRound?.context.ctx == before.ctx {
            #expect(stage.facts.count { if case .skipped = $0 { true } else { false } } == skips, "\(what)")
        }
    }

    /// Numbers that look random and are the same every time (a linear congruential generator, its upper bits).
    private struct Sequence {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next(below limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
    }
}

/// A coordinator in each phase, before and after whatever tells one moment of it from the next.
private enum States {
    typealias State = (name: String, stage: Conductor)

    static func all() throws -> [State] { try settingUp() + rounds() + waiting() }

    private static func settingUp() throws -> [State] {
        var stage = try Conductor(4, strangers: 1)
        var states: [State] = [("nobody", stage)]
        try stage.connect(0)
        states.append(("gathering", stage))
        for party in 1..<4 { try stage.connect(party) }
        states.append(("proposed", stage))
        for party in 0..<3 { try stage.say(.epochReady(stage.epochReady(party)), party) }
        states.append(("one missing", stage))
        var asked = stage
        try asked.wait(.seconds(30))
        states.append(("asked", asked))
        try stage.say(.epochReady(stage.epochReady(3)), 3)
        states.append(("bundled", stage))
        var between = try Conductor.ready(4, strangers: 1)
        between.facts.removeAll { if case .roundOpened = $0 { true } else { false } }
        try between.restart()
        return states + [("between", between)]
    }

    private static func rounds() throws -> [State] {
        var stage = try Conductor.ready(4, strangers: 1)
        var states: [State] = [("open", stage)]
        var away = stage
        try away.disconnect(3)
        states.append(("one away", away))
        for party in 0..<3 { try stage.upload(party) }
        _ = try stage.offer(.upload(stage.header(stage.openContext())), 3)
        states.append(("three uploads and a stream", stage))
        try stage.upload(3)
        states.append(("set", stage))
        for party in 0..<3 { try stage.say(.vote(stage.vote(party)), party) }
        var pinged = stage
        pinged.now += .seconds(3)
        try pinged.say(.vote(pinged.vote(3)), 3)
        states.append(("pinged", pinged))
        try stage.say(.vote(stage.vote(3)), 3)
        states.append(("certified", stage))
        for party in 0..<3 { try stage.answer(party) }
        states.append(("three partials", stage))
        stage.sumsAtOnce = false
        stage.appliesAtOnce = false
        try stage.answer(3)
        states.append(("summing", stage))
        try stage.makeSum(stage.openContext().ctx)
        states.append(("publishing", stage))
        try stage.apply(stage.openContext().ctx)
        return states + [("applied here", stage)]
    }

    private static func waiting() throws -> [State] {
        var states: [State] = []
        for (name, uploads) in [("waiting, in a round", 1), ("waiting, with a set", 3)] {
            var stage = try Conductor.ready(3, strangers: 2)
            for party in 0..<uploads { try stage.upload(party) }
            try stage.disconnect(2)
            try stage.wait(.seconds(5))
            states.append((name, stage))
        }
        var answered = try Conductor.ready(4, strangers: 1)
        try answered.uploadAll()
        try answered.voteAll()
        try answered.answer(0)
        try answered.disconnect(3)
        try answered.wait(.seconds(5))
        states.append(("waiting, after a certificate", answered))
        var stage = try Conductor(3, strangers: 2)
        for party in 0..<3 { try stage.connect(party) }
        try stage.disconnect(2)
        try stage.wait(.seconds(5))
        states.append(("waiting, in a set-up", stage))
        try stage.stop()
        return states + [("ended", stage)]
    }
}

/// Every kind of event, by members, strangers and the shell: with what is right in the phase, and with anything else.
private enum Events {
    struct Event {
        let name: String
        let run: (inout Conductor) throws -> Void

        init(_ name: String, _ run: @escaping (inout Conductor) throws -> Void) {
            self.name = name
            self.run = run
        }
    }

    static func all() throws -> [Event] {
        let other = try Conductor.ready(4, strangers: 1)
        // A member that everybody knows, the one that is missing in some states, and a stranger.
        return try shell(other)
            + [0, 3, 4].flatMap { party in
                try connections(of: party) + right(of: party) + vectors(of: party, other) + foreign(of: party, other)
            }
    }

    private static func shell(_ other: Conductor) throws -> [Event] {
        let context = try other.openContext()
        let trailer = try other.uploadTrailer(0, context)
        var events = [Duration.zero, .seconds(1), .seconds(30), .seconds(3600)].map { duration in
            Event("\(duration)") { try $0.wait(duration) }
        }
        events += [
            Event("stop") { try $0.stop() },
            Event("restart") { try $0.restart() },
            Event("nobody is registered") { try $0.register([]) },
            Event("one is revoked") { try $0.register([0, 1, 2]) },
            Event("all are registered") { try $0.register(Array($0.parties.indices)) },
            Event("a sum of another round") { try $0.makeSum(context.ctx) },
            Event("another round applied") { try $0.apply(context.ctx) },
            Event("the sum") { stage in
                if let round = stage.machine.phase.openRound { try stage.makeSum(round.context.ctx) }
            },
            Event("the round applied") { stage in
                if let round = stage.machine.phase.openRound { try stage.apply(round.context.ctx) }
            },
        ]
        for number in [1, 4, 1000] {
            let stream = StreamID(number)
            events += [
                Event("stream \(number) breaks") { try $0.fail(stream) },
                Event("stream \(number) stalls") { try $0.fail(stream, .stalled(message: "Upload")) },
                Event("stream \(number) ends") { try $0.end(stream, leaf: $0.leaf(0), trailer) },
            ]
        }
        return events
    }

    private static func connections(of party: Int) -> [Event] {
        [
            Event("\(party) connects") { try $0.connect(party) },
            Event("\(party) comes back") { try $0.comeBack(party) },
            Event("\(party) comes back without keys") { try $0.connect(party, position: $0.position(epoch: 0)) },
            Event("\(party) claims a place far ahead") { stage in
                let position = Hello.Position(
                    run: stage.configuration.run, chainIndex: .max, modelHash: .zero, epoch: .max)
                try stage.connect(party, position: position)
            },
            Event("\(party) comes from another run") { stage in
                let position = Hello.Position(
                    run: [UInt8](repeating: 9, count: 16), chainIndex: 3, modelHash: .zero, epoch: 1)
                try stage.connect(party, position: position)
            },
            Event("\(party) goes") { try $0.disconnect(party) },
            Event("pong of \(party)") { try $0.pong(party) },
        ]
    }

    /// What an honest member would say, where the phase has a place for it, and the nearest lie.
    private static func right(of party: Int) -> [Event] {
        func inSetUp(_ name: String, _ message: @escaping (Conductor) throws -> ControlMessage) -> Event {
            Event("\(name) of \(party)") { if $0.machine.phase.setUpPlan != nil { try $0.say(message($0), party) } }
        }
        func inRound(
            _ name: String, _ message: @escaping (Conductor, RoundContext) throws -> ControlMessage
        ) -> Event {
            Event("\(name) of \(party)") { stage in
                guard let round = stage.machine.phase.openRound else { return }
                try stage.say(message(stage, round.context), party)
            }
        }
        func voting(_ name: String, _ message: @escaping (Conductor) throws -> ControlMessage) -> Event {
            Event("\(name) of \(party)") { if $0.machine.phase.voting != nil { try $0.say(message($0), party) } }
        }
        return [
            inSetUp("EpochReady") { .epochReady(try $0.epochReady(party)) },
            inSetUp("EpochReady with another check key") { .epochReady(try $0.epochReady(party, check: 3)) },
            inSetUp("EpochReady with too few seeds") { .epochReady(try $0.epochReady(party, seeds: 1)) },
            inSetUp("SlotReady") { .slotReady(try $0.slotReady(party)) },
            inSetUp("refusal") { .epochRefusal($0.refusal(.policy)) },
            inSetUp("refusal over the model") { .epochRefusal($0.refusal(.modelHash)) },
            inSetUp("newcomers unknown") { .epochRefusal($0.refusal(.unknownMember, of: [0, 3, 4])) },
            inSetUp("peers missing") { .epochRefusal($0.refusal(.peersMissing, of: [1, 2])) },
            inRound("silence") { .silence(Silence(ctx: $1.ctx, cause: .noUpdate)) },
            inRound("silence after an answer") { .silence(Silence(ctx: $1.ctx, cause: .answeredUnderThisBase)) },
            inRound("Applied") { $0.applied($1) },
            voting("vote") { .vote(try $0.vote(party)) },
            voting("vote for another set") { .vote(try $0.vote(party, for: [0])) },
            voting("vote under another base") { .vote(try $0.vote(party, base: .zero)) },
        ]
    }

    private static func vectors(of party: Int, _ other: Conductor) throws -> [Event] {
        let context = try other.openContext()
        let headers: [StreamHeader] = [
            .upload(other.header(context)), .partial(other.header(context)), .handover(other.machine.handoverHeader),
            .result(
                ResultHeader(
                    open: try #require(other.machine.phase.openRound).open, ctx: context.ctx,
                    elements: context.elements)),
        ]
        return headers.map { header in Event("a foreign stream of \(party)") { _ = try $0.offer(header, party) } } + [
            Event("upload of \(party)") { if $0.machine.phase.openRound != nil { try $0.upload(party) } },
            Event("an upload begins of \(party)") { stage in
                guard let round = stage.machine.phase.openRound else { return }
                _ = try stage.offer(.upload(stage.header(round.context)), party)
            },
            Event("partial of \(party)") { stage in
                guard stage.machine.phase.voting != nil, stage.members.contains(party) else { return }
                try stage.answer(party)
            },
            Event("a partial begins of \(party)") { stage in
                guard let round = stage.machine.phase.openRound else { return }
                _ = try stage.offer(.partial(stage.header(round.context, slot: 3)), party)
            },
        ]
    }

    /// Every control message there is, from another federation's run.
    private static func foreign(of party: Int, _ other: Conductor) throws -> [Event] {
        let context = try other.openContext()
        let signed = try other.uploadTrailer(party, context)
        let vote = try other.signed(
            Vote(epochHash: context.epochHash, ctx: context.ctx, base: context.base, survivorsHash: .zero), party)
        let hello = Hello(instance: [UInt8](repeating: 0, count: 16), addresses: [], position: nil)
        let messages: [ControlMessage] = [
            other.applied(context), .certificate(VoteCertificate(ctx: context.ctx, votes: [vote])),
            .directory(Directory(entries: [])), .epochProposal(signed), .epochReady(signed),
            .epochReadyBundle([signed]), .hello(hello),
            .epochRefusal(EpochRefusal(epoch: 1, proposalHash: .zero, line: .policy, detail: "no")),
            .roundOpen(try #require(other.machine.phase.openRound).open),
            .runEnd(RunEnd(outcome: .complete, sentence: "")),
            .silence(Silence(ctx: context.ctx, cause: .noUpdate)), .skip(signed),
            .slotDispute(SlotDispute(party: other.id(1), slotSeed: signed, epochReady: signed)),
            .slotReady(signed), .slotReject(SlotReject(epoch: 9, proposal: signed)),
            .slotSeed(SlotSeed(statement: signed, seed: SecretBytes([1]))),
            .slotSeedAck(SlotSeedAck(statement: signed, checkShare: SecretBytes([1]))), .survivors(signed),
            .vote(vote),
        ]
        return messages.map { message in Event("foreign \(message.name) of \(party)") { try $0.say(message, party) } }
    }
}
