// SPDX-License-Identifier: MIT

import Aggregation
import ArgumentParser
import Identity
import Messages
import Primitives
import Programs

/// Shows where this site stands, from its own state alone.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows where this site stands: run, epoch, round and model.",
        discussion: """
            May be called while the client runs.

              smpc-client status --state site-a

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let identity = try state.directory.identity()
        let store = try SiteStore(state.directory)
        let status = SiteStatus(
            identity, ledger: try store.ledger(), members: try store.members(),
            configuration: try store.value(.configuration).flatMap { try? RunConfiguration(encoded: $0) },
            roster: try store.value(.roster), peerPaths: try store.value(.peerPaths).flatMap { PeerPaths(encoded: $0) },
            model: PrivateFile.exists(state.directory.model)
                ? state.directory.model : nil)
        output.progress().result(status.text, status)
    }
}

/// What `status` says.
struct SiteStatus: Encodable {
    let federation: String
    let id: String
    let epoch: UInt64
    let epochReady: Bool
    let round: UInt64?
    let run: String?
    let appliedRounds: Int?
    let rounds: Int?
    let model: String?
    let paramsHash: String?
    let modelHash: String?
    let modelFile: String?
    let confirmed: Int
    let pending: Int
    let roster: String?
    let peerPaths: PeerPaths?
    let runEnded: Bool
    let certificateDaysLeft: Int64
    private let certificate: String

    init(
        _ identity: PartyIdentity, ledger: MemberLedger, members: MemberRecord, configuration: RunConfiguration?,
        roster: [UInt8]?, peerPaths: PeerPaths?, model path: String?
    ) {
        self.peerPaths = peerPaths
        let now = unixNow()
        certificateDaysLeft = (identity.certificate.notAfter - now) / 86_400
        certificate = CertificateChecks.outlook(of: identity.certificate, now: now)
        federation = identity.federation.text
        id = identity.id.hex
        epoch = ledger.largestEpoch
        epochReady = ledger.epochIsReady
        round = ledger.lastRound?.round
        let chain = ledger.chain
        run = chain.map { Hexadecimal.encode($0.run) }
        appliedRounds = chain?.appliedRounds
        rounds = configuration?.rounds
        model = configuration?.model
        paramsHash = chain?.paramsHash.hex
        modelHash = chain?.modelHash.hex
        modelFile = path
        confirmed = members.sorted.count { $0.state == .confirmed }
        pending = members.sorted.count { $0.state == .pending }
        self.roster = roster.map { String(decoding: $0, as: UTF8.self) }
        runEnded = chain.map { $0.closed || $0.converged } ?? false
    }

    enum CodingKeys: String, CodingKey {
        case federation, id, epoch, round, run, rounds, model, confirmed, pending, roster
        case epochReady = "epoch_ready"
        case appliedRounds = "applied_rounds"
        case paramsHash = "params_hash"
        case modelHash = "model_hash"
        case modelFile = "model_file"
        case peerPaths = "peer_paths"
        case runEnded = "run_ended"
        case certificateDaysLeft = "certificate_days_left"
    }

    var text: String {
        var lines = ["federation  \(federation)", "id          \(id)"]
        lines.append("certificate \(certificate)")
        lines.append("members     \(confirmed) confirmed, \(pending) pending")
        if let roster { lines.append("roster      \(roster) (last epoch)") }
        if let peerPaths { lines.append("paths       \(peerPaths.text) (last epoch)") }
        guard let run, let appliedRounds, let paramsHash else {
            return (lines + ["run         none yet"]).joined(separator: "\n")
        }
        lines.append("run         \(run.prefix(8)), \(runEnded ? "ended" : "open")\(model.map { ", \($0)" } ?? "")")
        lines.append("applied     \(appliedRounds)\(rounds.map { " of \($0)" } ?? "") rounds")
        lines.append("epoch       \(epoch)\(epochReady ? "" : ", not set up")")
        if let round { lines.append("round       \(round), counted over all runs") }
        lines.append("parameters  \(paramsHash)")
        if let modelFile { lines.append("model       \(modelFile)") }
        return lines.joined(separator: "\n")
    }
}
