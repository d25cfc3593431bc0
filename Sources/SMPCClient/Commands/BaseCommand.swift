// SPDX-License-Identifier: MIT

import Aggregation
import ArgumentParser
import Messages
import Primitives
import Programs

/// Deals with the parameters under which this site may not upload again.
struct BaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "Shows why this site stays silent under the present parameters, and lifts that.",
        subcommands: [Release.self])

    /// Lifts the rule that keeps the site silent, when its engineer says so.
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release",
            abstract: "Lets this site send its kept update again under the present parameters.",
            discussion: """
                A site sends one update under one base (the parameters that it was computed from), so that no two sums \
                with different participants can be subtracted to show a single update. Where it cannot rule out that \
                a sum with its update was opened already, or still may be, it stays silent until the base moves.

                Without --yes this command says whether it does, and why. With --yes the site sends its update again, \
                the same one, in another epoch, under this base alone. What that may cost: if a sum was opened in the \
                earlier epoch, whoever has both sums can subtract them; what is left is the updates of the sites that \
                are in only one of the two, and if that is one site, its update. It cannot be taken back.

                It can wait: when the missing sites come back with their state, the run goes on without it. A site that \
                no longer has the update that it sent cannot be released.

                A running client takes the decision up within a second, one that is not running when it starts. The \
                coordinator learns of it; a run that was aborted goes on with smpc-server run --resume.

                  smpc-client base release --state site-a
                  smpc-client base release --state site-a --yes

                Exit codes: 0 done, or nothing to release; 1 not released; 64 usage.
                """)

        @Flag(help: "Release the base. The decision holds for this base and cannot be taken back.")
        var yes = false
        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            _ = try state.directory.identity()
            let store = try SiteStore(state.directory)
            let standing = try BaseStanding(store)
            guard yes, standing.mayBeReleased, let base = standing.digest else {
                output.progress().result(standing.text, standing)
                guard standing.silent, !standing.released else { return }
                throw ProgramError(
                    .failed, standing.mayBeReleased ? "nothing is released yet" : "this cannot be released",
                    subject: "base release",
                    remedy: standing.mayBeReleased
                        ? "bring the missing sites back, or add --yes once you have decided"
                        : "let the other sites apply a round, or start a new run with smpc-server run --new-run")
            }
            try store.set(.releasedBase, to: base.bytes)
            let done = try BaseStanding(store)
            output.progress().result(done.text, done)
        }
    }
}

/// Whether a site stays silent under its present parameters, and why. It is what `--json` prints.
struct BaseStanding: Encodable {
    let base: String?
    let silent: Bool
    let released: Bool
    let cause: String
    /// Whether the engineer can lift it: rule (c), and never rule (b) of "one base, one set".
    let mayBeReleased: Bool

    enum CodingKeys: String, CodingKey {
        case base, silent, released, cause
        case mayBeReleased = "may_be_released"
    }

    var digest: Digest? { base.flatMap { Hexadecimal.decode($0) }.flatMap { Digest(bytes: $0) } }

    init(_ store: SiteStore) throws {
        let ledger = try store.ledger()
        guard let chain = ledger.chain, !chain.closed, !chain.converged else {
            (base, silent, released, cause, mayBeReleased) = (nil, false, false, "no run is open", false)
            return
        }
        let kind: RoundKind =
            try store.value(.configuration).flatMap { try? RunConfiguration(encoded: $0) }
            .map { chain.appliedRounds >= $0.rounds ? .closing : .training } ?? .training
        let base = RoundContext.base(kind: kind, paramsHash: chain.paramsHash)
        let isReleased = try ledger.releasedBase == base || store.value(.releasedBase) == base.bytes
        self.base = base.hex
        // The permission that a new epoch would have: no epoch has the hash zero.
        let permission = ledger.uploadPermission(epochHash: .zero, base: base)
        switch permission {
        case .newUpdate:
            (silent, cause, mayBeReleased) = (false, "nothing was uploaded under this base", false)
        case .keptUpdate where store.keptUpdate(for: base) == nil:
            (silent, cause, mayBeReleased) = (true, SilenceCause.cannotRepeat.explanation, false)
        case .keptUpdate:
            (silent, cause, mayBeReleased) = (false, "the update that is kept may be sent again under this base", false)
        case .silent(let why):
            silent = !isReleased
            cause = why.explanation
            mayBeReleased = why.isOfRuleC && store.keptUpdate(for: base) != nil
        }
        released = isReleased
    }

    var text: String {
        guard let base else { return "nothing to release: \(cause)" }
        if released { return "released: this site sends its kept update again under base \(base)" }
        guard silent else { return "nothing to release: \(cause)" }
        return """
            this site stays silent in other epochs under base \(base)
            why: \(cause)
            Uploading all the same could open a second sum under these parameters. Two such sums that differ by one site \
            show that site's update to whoever subtracts them.
            """
    }
}

extension SilenceCause {
    /// Whether it is rule (c) of "one base, one set" that keeps the site silent, which its engineer may lift.
    fileprivate var isOfRuleC: Bool { self == .answeredUnderThisBase || self == .mayBeOpenedElsewhere }
}

extension SilenceCause {
    /// Says in words why a site stays silent.
    var explanation: String {
        switch self {
        case .answeredUnderThisBase:
            "it answered for its helper slot under these parameters in an earlier epoch, so a sum with its update may "
                + "have been opened"
        case .spentBase: "it uploaded under these parameters before and no longer has that update"
        case .noUpdate: "it has no data to train on, or training gave no finite update"
        case .unconfirmedHandover: "too few other members computed the model themselves that it was handed"
        case .policy: "its policy allows no more rounds in this day"
        case .mayBeOpenedElsewhere:
            "it uploaded under these parameters in an epoch whose helpers have standbys, and too few sites say that they "
                + "have not voted there: a sum may still be opened without its word"
        case .cannotRepeat: "it cannot make again, byte for byte, the vector that it committed to"
        }
    }
}
