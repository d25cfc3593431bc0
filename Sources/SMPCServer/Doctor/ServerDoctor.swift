// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Learning
import Logging
import Programs

/// Examines a server: everything that a run of it rests on, in the order in which a run would need it.
struct ServerDoctor: Sendable {
    let state: ServerState
    let network: ListenOptions.Resolved
    /// The model that was asked for.
    let model: String?
    /// The number of sites that was asked for.
    let cohort: Int?
    let roundsPerEpoch: Int
    let progress: Progress
    let logger: Logger

    private var directory: String { state.directory }

    /// Refuses a directory without a federation: there is nothing to examine.
    ///
    /// - Throws: `ProgramError` with `usage`.
    func requireFederation() throws(ProgramError) {
        try PartyIdentity.requireFederation(directory: directory)
    }

    /// Does every check that can be done.
    func examine() async -> Diagnosis {
        progress.status("checking the state directory")
        var checks = FlushCheck.run(directory: directory)
        let record = ServerRecord(state)
        checks.append(space(record))
        checks.append(HolderCheck.run(directory: directory))
        checks.append(
            KeyFileCheck.run(["\(directory)/key.pem", "\(directory)/ca-key.pem", state.databasePath]))
        checks.append(record.check)
        checks.append(OpenFilesCheck.run(sites: cohort ?? record.sites))
        let identity: PartyIdentity
        do {
            identity = try PartyIdentity.load(directory: directory)
        } catch {
            checks.append(.failed(.certificate, error: error, otherwise: "restore the file from a copy"))
            return Diagnosis(checks + (await multicast()))
        }
        let now = unixNow()
        checks += certificates(identity, now)
        checks.append(AuthorityKeyCheck.run(directory: directory))
        checks.append(OwnClockCheck.run(now: now, certificate: identity.certificate, directory: directory))
        progress.status("trying the port")
        checks.append(await ListenCheck(identity: identity, listen: network.listen).run())
        checks += await multicast()
        checks += await neighbours(identity, record)
        return Diagnosis(checks)
    }

    /// The server renews its own certificate when it starts and while it serves, or asks for a signature; that of the authority
    /// ends the federation.
    private func certificates(_ identity: PartyIdentity, _ now: Int64) -> [Check] {
        let own =
            identity.role == .coordinator
            ? CertificateChecks.dates(
                .certificate, of: identity.certificate, now: now,
                renewal: "start the server again: it "
                    + (RequestFolder(directory: directory).exists ? "leaves a request to be signed" : "renews it"))
            : .failed(
                .certificate, "is that of a site, not of a server",
                remedy: "name the directory that smpc-server init made")
        return [
            own,
            CertificateChecks.dates(
                .authority, of: identity.authority, now: now, renewal: CertificateChecks.authorityRenewal),
        ]
    }

    /// On the disk lie the sums of the rounds of two epochs, 8 bytes a parameter, and the models before and after, once more
    /// while they are written. The sites' vectors are added as they come and never stored, so that their number counts
    /// nothing here.
    private func space(_ record: ServerRecord) -> Check {
        let name = model ?? record.configuration?.model ?? "mlp:784-128-10"
        guard let spec = try? ModelSpec(parsing: name) else {
            return .notChecked(.diskSpace, "\"\(name)\" is no model", remedy: "correct --model, such as mlp:784-128-10")
        }
        let rounds = 2 * min(record.configuration?.roundsPerEpoch ?? roundsPerEpoch, 1_000_000)
        let (vectors, overflow) = spec.layout.count.multipliedReportingOverflow(by: 8 * (rounds + 2) + 4 * 6)
        return DiskSpaceCheck.run(
            directory: directory, needed: overflow ? .max : vectors + DiskSpaceCheck.databaseBytes,
            for: "\(name) (\(spec.layout.count) parameters) and the sums of \(rounds) rounds")
    }

    private func multicast() async -> [Check] {
        guard network.discovery else { return [MulticastCheck.off] }
        progress.status("trying multicast")
        return await MulticastCheck.run(network.interfaces, isNeeded: false)
    }

    /// Who announces itself; another coordinator of the same name would draw sites away.
    private func neighbours(_ identity: PartyIdentity, _ record: ServerRecord) async -> [Check] {
        guard network.discovery else { return [] }
        progress.status("looking for sites by multicast")
        let found: Neighbours
        do {
            found = try await Neighbours.find(
                of: identity.federation, on: network.interfaces, parties: record.members, logger: logger)
        } catch {
            return [.warning(.discovery, "\(error)", remedy: "sites then need --server host:port")]
        }
        let sites = found.parties.count
        let servers = found.services.filter { $0.role == .coordinator }
        let figures = ["sites": Double(sites), "coordinators": Double(servers.count)]
        if let stranger = servers.first(where: { $0.id != identity.id.hex }) {
            return [
                .warning(
                    .discovery,
                    "another coordinator of \(identity.federation) is announced at "
                        + "\(stranger.addresses.first ?? stranger.host), port \(stranger.port)",
                    remedy:
                        "sites recognize this one by its certificate; find out who announces the other, or name the "
                        + "federations differently", figures: figures)
            ]
        }
        return [
            .ok(
                .discovery,
                "\(sites) sites of \(identity.federation) are announced, this server \(servers.isEmpty ? "not" : "too")",
                figures: figures)
        ]
    }
}
