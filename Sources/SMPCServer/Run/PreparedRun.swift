// SPDX-License-Identifier: MIT

import Aggregation
import Identity
import Learning
import Messages
import Primitives
import Programs
import Storage

/// A run as it begins or is taken up: its machine, model and files.
struct PreparedRun: Sendable {
    let machine: Coordinator
    let model: ServerModel
    let files: StateFiles
    let log: FactLog
    /// Whether the sum of the open round's uploads is stored.
    let restoresUploads: Bool
    /// The sums that are stored, in the order in which they were made.
    let storedSums: [(ctx: Digest, epochHash: Digest)]
    /// Rounds applied before this process; nil for a new run.
    let resumedAfter: Int?
    /// What the recorder had stored; nil for a new run.
    let recorded: [UInt8]?

    /// Takes the unfinished run up, or begins a new one, as the options say.
    init(
        _ choice: RunChoice, state: ServerState, identity: PartyIdentity, store: ServerStore,
        members: [EpochProposal.Member]
    ) throws {
        files = StateFiles(directory: state.directory)
        log = FactLog(store: store)
        var facts = try log.load()
        var history = try RunHistory(facts)
        if choice.mode == .resume, history.isAborted {
            try log.append(.runTakenUp)
            facts.append(.runTakenUp)
            history = try RunHistory(facts)
        }
        if choice.mode != .new, history.isUnfinished, let configuration = history.configuration,
            let chain = history.chain
        {
            let layout = try ModelLayout(bytes: configuration.layout)
            if let file = choice.initialFile { try Self.requireSame(file, configuration, layout) }
            model = try ServerModel(paramsHash: chain.paramsHash, layout: layout, files: files)
            resumedAfter = chain.appliedRounds
            recorded = try store.value(RunRecorder.key)
        } else {
            guard choice.mode != .resume else {
                throw ProgramError(
                    .usage, "there is no unfinished or aborted run", subject: state.directory,
                    remedy: "leave --resume out to begin one")
            }
            let first = try choice.firstParameters()
            try Self.requireUnused(first.hash, facts, choice)
            if history.isUnfinished {
                let end = CoordinatorFact.runEnded(.aborted, sentence: "a new run was begun in its place")
                try log.append(end)
                facts.append(end)
                history = try RunHistory(facts)
            }
            model = try ServerModel(first: first, files: files)
            let configuration = choice.configuration(paramsHash: first.hash)
            let chain = ModelChain(
                run: configuration.run, paramsHash: first.hash, scale: try configuration.firstScale())
            let fact = CoordinatorFact.runBegan(configuration: configuration.encoded(), chain: chain)
            try store.set(RunRecorder.key, to: nil)
            try log.append(fact)
            facts.append(fact)
            history = try RunHistory(facts)
            resumedAfter = nil
            recorded = nil
        }
        restoresUploads = history.openRoundHasSet
        storedSums = facts.compactMap(Self.storedSum)
        machine = try Coordinator(
            settings: choice.settings, facts: facts, registry: members, signer: identity.key, now: .now)
    }

    /// An unfinished run goes on with its own first parameters only.
    private static func requireSame(
        _ file: String, _ configuration: RunConfiguration, _ layout: ModelLayout
    ) throws {
        let hash = try ModelFile(path: file).parameters(as: layout).hash
        if case .file(let first) = configuration.initial, first == hash { return }
        throw ProgramError(
            .usage, "the unfinished run began with other parameters", subject: "--init \(file)",
            remedy: "leave --init out to go on with it, or begin another with --new-run")
    }

    private static func storedSum(_ fact: CoordinatorFact) -> (ctx: Digest, epochHash: Digest)? {
        guard case .resultMade(let stored) = fact, let result = try? RoundResult(payload: stored.payload) else {
            return nil
        }
        return (result.ctx, result.epochHash)
    }

    /// Sites never upload under parameters that they have left (protocol section 5, rule (b)): a second run from the same
    /// ones would end with everybody silent.
    private static func requireUnused(_ first: Digest, _ facts: [CoordinatorFact], _ choice: RunChoice) throws {
        var began: Digest?
        for fact in facts {
            switch fact {
            case .runBegan(_, let chain): began = chain.paramsHash
            case .roundOpened where began == first:
                throw ProgramError(
                    .usage,
                    "an earlier run here began with the same parameters, and sites never upload under them again",
                    subject: choice.initialOption, remedy: "choose another seed, or another federation")
            default: break
            }
        }
    }
}
