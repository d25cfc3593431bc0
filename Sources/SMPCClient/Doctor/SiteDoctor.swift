// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Logging
import Messages
import Programs
import Transport

/// Examines a site: everything that a run of it rests on, in the order in which a run would need it.
struct SiteDoctor: Sendable {
    let directory: SiteDirectory
    let network: NetworkOptions.Resolved
    let dataset: DatasetOptions.Resolved
    /// The model that was asked for.
    let model: String?
    let progress: Progress
    let logger: Logger

    /// Does every check that can be done.
    func examine() async -> Diagnosis {
        progress.status("checking the state directory")
        var checks = FlushCheck.run(directory: directory.path)
        checks.append(HolderCheck.run(directory: directory.path))
        checks.append(
            KeyFileCheck.run([
                "\(directory.path)/key.pem", directory.epochKeys, directory.recordSeal, directory.database,
            ]))
        let identity: PartyIdentity
        do {
            identity = try directory.identity()
        } catch {
            checks.append(
                .failed(.certificate, error: error, otherwise: "join first: smpc-client join --state \(directory.path)")
            )
            checks += await withoutIdentity()
            return Diagnosis(checks)
        }
        let now = unixNow()
        checks.append(
            CertificateChecks.dates(
                .certificate, of: identity.certificate, now: now, renewal: CertificateChecks.siteRenewal,
                afterwards: CertificateChecks.rejoining))
        checks.append(
            CertificateChecks.dates(
                .authority, of: identity.authority, now: now,
                renewal: "ask the operator: \(CertificateChecks.authorityRenewal)"))
        let record = SiteRecord(directory)
        checks.append(record.check)
        let surroundings = await SurroundingsChecks(
            identity: identity, record: record, network: network, progress: progress, logger: logger
        ).run()
        let model = model ?? surroundings.model ?? record.configuration?.model
        progress.status("reading the data")
        let data = DataChecks(dataset, model: model, seed: record.configuration?.seed ?? 0)
        checks += data.run()
        checks.append(data.diskSpace(directory: directory.path))
        return Diagnosis(checks + surroundings.checks)
    }

    /// What can be told of a site that has not joined.
    private func withoutIdentity() async -> [Check] {
        progress.status("reading the data")
        let data = DataChecks(dataset, model: model, seed: 0)
        var checks = data.run() + [data.diskSpace(directory: directory.path)]
        checks +=
            network.discovery
            ? await MulticastCheck.run(network.interfaces, isNeeded: network.server == nil) : [MulticastCheck.off]
        checks.append(.notChecked(.coordinator, "only a site that has joined can be let in", remedy: "join first"))
        return checks
    }
}
