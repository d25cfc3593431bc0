// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Synchronization
import Testing

@testable import SMPCClient
@testable import SMPCServer

/// What the site's program does about a coordinator that lies (protocol section 9): the machines refuse, and the process ends
/// with the exit code and the evidence that it promises, or goes on as if nothing had been said.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LyingCoordinatorTests {
    private typealias Passing = LyingCoordinator.Passing

    /// How the site that was lied to ended.
    private struct Ending {
        var exitCode: Int32?
        var errors = ""
        var evidence: [String] = []
        var answers: [ControlMessage] = []
        /// Whether it has the server's model.
        var hasModel = false
    }

    /// Runs four sites, one of them behind a lying coordinator.
    ///
    /// - Parameter waitsForRun: whether everybody reaches the end; otherwise only the site that was lied to.
    private func run(
        rounds: Int = 2, waitsForRun: Bool = false, until: (@Sendable ([ControlMessage]) -> Bool)? = nil,
        _ lie: @escaping LyingCoordinator.Lie
    ) async throws -> Ending {
        let server = try TestServer()
        let serving = try server.start(rounds: rounds, cohort: 4)
        let port = try await server.port()
        var sites: [TestSite] = []
        for number in 0..<4 {
            let site = TestSite(part: number, of: 4)
            try #require(try await site.join(server.invite("site-\(number)"), port: port) == 0)
            sites.append(site)
        }
        let liar = try await LyingCoordinator(server, port: port, site: sites[0], lie)
        let relaying = Task { await liar.serve() }
        let log = FileManager.default.temporaryDirectory.appending(path: "lied-to-\(UUID().uuidString)")
        try Data().write(to: log)
        defer { try? FileManager.default.removeItem(at: log) }
        let liedTo = try sites[0].run(port: liar.port, errors: FileHandle(forWritingTo: log))
        let others = try sites[1...].map { try $0.run(port: port, errors: FileHandle.nullDevice) }
        if waitsForRun { _ = try await serving.value }
        if let until {
            #expect(await eventually(within: .seconds(30)) { until(liar.answers) })
            liedTo.terminate()
        }
        _ = await eventually(within: .seconds(40)) { !liedTo.isRunning }
        var ending = Ending()
        ending.exitCode = liedTo.isRunning ? nil : liedTo.terminationStatus
        for process in others + [liedTo] where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        serving.cancel()
        _ = await serving.result
        relaying.cancel()
        ending.errors = try String(contentsOf: log, encoding: .utf8)
        let evidence = sites[0].directory.evidence
        ending.evidence = ((try? FileManager.default.contentsOfDirectory(atPath: evidence)) ?? []).sorted()
        ending.answers = liar.answers
        ending.hasModel =
            sites[0].model != nil
            && sites[0].model == FileManager.default.contents(atPath: "\(server.state.directory)/model.safetensors")
        return ending
    }

    /// Does something to the first item that `pick` answers with something.
    private static func once(
        _ pick: @escaping @Sendable (LyingCoordinator.Passing, SigningKey) throws -> [LyingCoordinator.Passing]?
    ) -> LyingCoordinator.Lie {
        let isDone = Once()
        return { item, key in
            guard !isDone.value, let changed = try pick(item, key) else { return [item] }
            isDone.set()
            return changed
        }
    }

    @Test func twoSetsForOneRoundAreEvidence() async throws {
        let ending = try await run(
            Self.once { item, key in
                guard case .message(.survivors(let envelope)) = item else { return nil }
                let said = try Survivors(payload: envelope.payload)
                let other = Survivors(epochHash: said.epochHash, ctx: said.ctx, bitmap: [0b0111])
                return [item, .message(.survivors(try Signed(signing: other, with: key).envelope))]
            })
        #expect(ending.exitCode == 3)
        #expect(ending.errors.contains("two statements that contradict each other"))
        #expect(ending.evidence.count == 2)
        #expect(
            ending.evidence.first?.hasPrefix("first-") == true && ending.evidence.last?.hasPrefix("second-") == true)
    }

    @Test func aSkipAfterTheSetIsEvidence() async throws {
        let round = Latest<RoundOpen>()
        let ending = try await run(
            Self.once { item, key in
                if case .message(.roundOpen(let open)) = item { round.set(open) }
                guard case .message(.survivors(let envelope)) = item, let open = round.value else { return nil }
                let said = try Survivors(payload: envelope.payload)
                let skip = Skip(epochHash: said.epochHash, ctx: said.ctx, round: open.round, reason: .deadline)
                return [item, .message(.skip(try Signed(signing: skip, with: key).envelope))]
            })
        #expect(ending.exitCode == 3)
        #expect(ending.evidence.count == 2)
    }

    /// The sum and everything that is signed about it fit one another; only the check inside the vector does not.
    @Test func aFalseSumIsNotApplied() async throws {
        let ending = try await run(
            Self.once { item, key in
                guard case .vector(let header, let bytes, let trailer) = item, case .result(let announced) = header
                else {
                    return nil
                }
                let said = try RoundResult(payload: Envelope(encoded: trailer).payload)
                var forged = bytes
                forged[0] ^= 1
                let leaf = vectorLeaf(try Field64Vector(littleEndianBytes: forged))
                let result = RoundResult(
                    epochHash: said.epochHash, ctx: announced.ctx, bitmap: said.bitmap, answered: said.answered,
                    uploadLeaves: said.uploadLeaves, partialLeaves: said.partialLeaves, root: said.root, sumHash: leaf)
                return [.vector(header, forged, trailer: try Signed(signing: result, with: key).envelope.encoded())]
            })
        #expect(ending.exitCode == 3)
        #expect(ending.errors.contains("the sum fails its check and was not applied"))
        #expect(ending.evidence.count == 1 && ending.evidence[0].hasPrefix("result-"))
    }

    @Test func falseParametersAreRefused() async throws {
        let ending = try await run(
            until: { $0.contains { $0.name == "EpochRefusal" } },
            Self.proposing { proposal in
                EpochProposal(
                    federation: proposal.federation, epoch: proposal.epoch, round: proposal.round,
                    modelHash: ModelChain(
                        run: proposal.configuration.run, paramsHash: .zero, scale: .exact
                    ).modelHash, paramsHash: .zero, appliedRounds: 0, members: proposal.members, mode: proposal.mode,
                    slotCount: proposal.slotCount, configuration: proposal.configuration)
            })
        let lines = ending.answers.compactMap { if case .epochRefusal(let refusal) = $0 { refusal.line } else { nil } }
        #expect(lines.first == .modelHash || lines.first == .initialParameters)
        #expect(!ending.answers.contains { $0.name == "EpochReady" })
    }

    /// The site was in an epoch before; since then it asks its engineer about everybody new.
    @Test func anInventedMemberIsRefused() async throws {
        let invented = EpochProposal.Member(key: try SigningKey.generate().publicKey, name: "site-9")
        let proposed = Latest<EpochProposal>()
        let ending = try await run(
            rounds: 200, until: { $0.contains { $0.name == "EpochRefusal" } },
            Self.once { item, key in
                if case .message(.epochProposal(let envelope)) = item {
                    proposed.set(try EpochProposal(payload: envelope.payload))
                }
                guard case .vector(.result, _, _) = item, let earlier = proposed.value else { return nil }
                var configuration = earlier.configuration
                configuration.cohortMin =
                    Committee.all(
                        members: earlier.members.count + 1, gammaPercent: configuration.gammaPercent
                    ).cohortMin
                let next = EpochProposal(
                    federation: earlier.federation, epoch: earlier.epoch + 1, round: earlier.round + 1,
                    modelHash: earlier.modelHash, paramsHash: earlier.paramsHash, appliedRounds: 0,
                    members: earlier.members + [invented],
                    mode: earlier.mode, slotCount: earlier.slotCount + 1, configuration: configuration)
                return [.message(.epochProposal(try Signed(signing: next, with: key).envelope)), item]
            })
        let refusals = ending.answers.compactMap { if case .epochRefusal(let refusal) = $0 { refusal } else { nil } }
        #expect(refusals.first?.line == .unknownMember)
        #expect(refusals.first?.parties == [invented.id])
    }

    /// Whatever was said before is said again after everything new: the site ends with the model of all others.
    @Test func whatIsReplayedChangesNothing() async throws {
        let said = Latest<[LyingCoordinator.Passing]>()
        said.set([])
        let ending = try await run(rounds: 3, waitsForRun: true) { item, _ in
            let earlier = said.value ?? []
            if case .message(.runEnd) = item { return [item] }
            said.set((earlier + [item]).suffix(12))
            return [item] + earlier.shuffled().prefix(3)
        }
        #expect(ending.exitCode == 0, "\(ending.errors)")
        #expect(ending.hasModel)
        #expect(ending.evidence.isEmpty)
    }

    private static func proposing(_ change: @escaping @Sendable (EpochProposal) -> EpochProposal)
        -> LyingCoordinator.Lie
    {
        { item, key in
            guard case .message(.epochProposal(let envelope)) = item else { return [item] }
            let forged = change(try EpochProposal(payload: envelope.payload))
            return [.message(.epochProposal(try Signed(signing: forged, with: key).envelope))]
        }
    }
}

/// Keeps what was seen last, for closures on other tasks.
private final class Latest<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value) { state.withLock { $0 = value } }
}

/// Remembers that something has happened.
private final class Once: Sendable {
    private let state = Mutex(false)

    var value: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}
