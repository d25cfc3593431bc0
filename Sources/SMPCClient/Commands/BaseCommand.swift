// SPDX-License-Identifier: MIT

import Aggregation
import ArgumentParser
import Messages
import Primitives
import Programs

/// Deals with the parameters under which this site may not upload again.
struct BaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "base", abstract: "Shows why this site stays silent under the present parameters.",
        subcommands: [Release.self])

    /// Shows what a release would mean; releasing itself is refused.
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release",
            abstract: "Shows the base under which this site stays silent, and why.",
            discussion: """
                A site sends one update under one base (the parameters that it was computed from), so that no two sums \
                with different participants can be subtracted to show a single update. Where it cannot rule out that \
                a sum was opened already, it stays silent until the base moves. This version shows that and does not \
                release: start again with the other sites instead.

                  smpc-client base release --state site-a

                Exit codes: 0 done, 1 failed, 64 usage.
                """)

        @OptionGroup var state: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            _ = try state.directory.identity()
            let store = try SiteStore(state.directory)
            let report = try Self.report(store)
            output.progress().result(report.text, report)
            guard report.silent else { return }
            throw ProgramError(
                .failed, "releasing a base is not available in this version", subject: "base release",
                remedy: "let the other sites apply a round, or start a new run with smpc-server run --new-run")
        }

        private static func report(_ store: SiteStore) throws -> Report {
            let ledger = try store.ledger()
            guard let chain = ledger.chain, !chain.closed, !chain.converged else {
                return Report(base: nil, silent: false, cause: "no run is open")
            }
            let kind: RoundKind =
                try store.value(.configuration).flatMap { try? RunConfiguration(encoded: $0) }
                .map { chain.appliedRounds >= $0.rounds ? .closing : .training } ?? .training
            let base = RoundContext.base(kind: kind, paramsHash: chain.paramsHash)
            // The permission that a new epoch would have: no epoch has the hash zero.
            switch ledger.uploadPermission(epochHash: .zero, base: base) {
            case .newUpdate:
                return Report(base: base.hex, silent: false, cause: "nothing was uploaded under this base")
            case .keptUpdate where store.keptUpdate(for: base) == nil:
                return Report(base: base.hex, silent: true, cause: SilenceCause.cannotRepeat.explanation)
            case .keptUpdate:
                return Report(
                    base: base.hex, silent: false, cause: "the update that is kept may be sent again under this base")
            case .silent(let cause):
                return Report(base: base.hex, silent: true, cause: cause.explanation)
            }
        }

        /// What `--json` prints.
        private struct Report: Encodable {
            let base: String?
            let silent: Bool
            let cause: String

            var text: String {
                guard silent, let base else { return "nothing to release: \(cause)" }
                return """
                    this site stays silent under base \(base)
                    why: \(cause)
                    Uploading anyway could open a second sum under these parameters. Two such sums that differ by one \
                    site show that site's update to whoever subtracts them.
                    """
            }
        }
    }
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
            "it uploaded under these parameters in an epoch whose helpers have standbys; a sum may be opened there "
                + "without its word, so that it uploads in no other epoch until the parameters have moved"
        case .cannotRepeat: "it cannot make again, byte for byte, the vector that it committed to"
        }
    }
}
