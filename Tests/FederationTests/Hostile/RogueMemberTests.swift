// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Messages
import Primitives
import Synchronization
import Testing

/// One of five members does something else than the protocol says. The others end with one model, without much delay.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RogueMemberTests {
    private typealias Outgoing = TestParty.Outgoing

    /// Runs to the end and gives the server's counters.
    private func run(
        rounds: Int = 4,
        _ tampering: @escaping @Sendable (TestParty.Outgoing, PartyIdentity) throws -> [TestParty.Outgoing]
    ) async throws -> [String: Int] {
        let server = try TestServer()
        let serving = try server.start(rounds: rounds, cohort: 5)
        let port = try await server.port()
        let parties = try await server.parties(5, port: port, rogue: 1, tampering: tampering)
        let began = ContinuousClock.now
        let running = Task {
            await withTaskGroup { group in
                for party in parties { group.addTask { try? await party.run(port: port) } }
            }
        }
        #expect(try await serving.value.outcome == .complete)
        #expect(ContinuousClock.now - began < .seconds(60))
        await running.value
        let summary = try server.records().summary
        #expect(summary.paramsHashes.count == rounds)
        for party in parties where party.number != 1 {
            #expect(await party.paramsHashes.map(\.hex) == summary.paramsHashes)
        }
        return summary.counters
    }

    /// Changes uploads only.
    private static func upload(
        _ item: TestParty.Outgoing, _ body: (StreamHeader, [UInt8], Envelope) throws -> [TestParty.Outgoing]
    ) rethrows -> [TestParty.Outgoing] {
        guard case .vector(let header, let bytes, let trailer) = item, case .upload = header else { return [item] }
        return try body(header, bytes, trailer)
    }

    @Test func elementsThatAreNotCanonicalAreRefused() async throws {
        let counters = try await run { item, _ in
            Self.upload(item) { header, bytes, trailer in
                [.vector(header, [UInt8](repeating: 255, count: 8) + bytes.dropFirst(8), trailer)]
            }
        }
        #expect(counters["streams.invalid"] ?? 0 > 0)
    }

    @Test func aVectorThatIsNotTheOneCommittedToIsRefused() async throws {
        let counters = try await run { item, _ in
            Self.upload(item) { header, bytes, trailer in
                [.vector(header, [bytes[0] ^ 1] + bytes.dropFirst(), trailer)]
            }
        }
        #expect(counters["streams.invalid"] ?? 0 > 0)
        #expect(counters["messages.rejected"] ?? 0 > 0)
    }

    @Test func aVectorThatIsTooLongIsRefused() async throws {
        let counters = try await run { item, _ in
            Self.upload(item) { header, bytes, trailer in
                [.vector(header, bytes + [UInt8](repeating: 0, count: 4_000), trailer)]
            }
        }
        #expect(counters["streams.invalid"] ?? 0 > 0)
    }

    @Test func whoUploadsTwiceCountsOnce() async throws {
        _ = try await run { item, _ in
            Self.upload(item) { _, _, _ in [item, item, item] }
        }
    }

    /// As many streams as may send at once, of which none does: the others' come first nevertheless.
    @Test func streamsThatBringNothingHoldNobodyUp() async throws {
        let counters = try await run(rounds: 3) { item, _ in
            Self.upload(item) { header, _, _ in
                [.opening(header), .opening(header), .opening(header), .opening(header)]
            }
        }
        #expect(counters["streams.invalid"] ?? 0 > 0)
        #expect(counters["streams.notExpected"] ?? 0 >= 3)
    }

    @Test func whoVotesForAnotherSetIsLeftOut() async throws {
        let counters = try await run(rounds: 3) { item, identity in
            guard case .message(.vote(let envelope)) = item else { return [item] }
            let vote = try Vote(payload: envelope.payload)
            let forged = Vote(
                epochHash: vote.epochHash, ctx: vote.ctx, base: vote.base, survivorsHash: SHA256.hash([1]))
            return [.message(.vote(try Signed(signing: forged, with: identity.key).envelope))]
        }
        #expect(counters["messages.rejected"] ?? 0 > 0)
    }

    /// It answers for its own slot as well, so that the round can end.
    @Test func anAnswerForAnotherSlotIsRefused() async throws {
        let counters = try await run { item, _ in
            guard case .vector(.partial(let header), let bytes, let trailer) = item else { return [item] }
            let other = VectorHeader(ctx: header.ctx, slot: (header.slot + 1) % 5, elements: header.elements)
            return [.vector(.partial(other), bytes, trailer), item]
        }
        #expect(counters["streams.notExpected"] ?? 0 > 0)
    }

    /// Costs that others would have to believe: of other rounds, and more than once.
    @Test func messagesOfAnotherRoleAreRefused() async throws {
        let counters = try await run { item, identity in
            guard case .message(.vote) = item else { return [item] }
            let end = RunEnd(outcome: .complete, sentence: "over")
            let hello = Hello(instance: [UInt8](repeating: 0, count: 16), addresses: [], position: nil)
            return [.message(.runEnd(end)), .message(.hello(hello)), item]
        }
        #expect(counters["messages.rejected"] ?? 0 >= 2)
    }
}
