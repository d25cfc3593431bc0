// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Logging
import Messages
import Programs
import Transport

/// Checks what lies between a site and the others: multicast, proxy, the coordinator and its clock, the way to every site.
struct SurroundingsChecks: Sendable {
    let identity: PartyIdentity
    let record: SiteRecord
    let network: NetworkOptions.Resolved
    let progress: Progress
    let logger: Logger

    /// What was found.
    struct Findings {
        var checks: [Check] = []
        /// The model of the present run, as the coordinator says.
        var model: String?
    }

    /// Does the checks; all of it takes some seconds, most of them waiting for who does not answer.
    func run() async -> Findings {
        var findings = Findings()
        let neighbours = await multicast(&findings)
        progress.status("dialling the coordinator of \(identity.federation)")
        let coordinator = CoordinatorChecks(identity: identity, record: record, network: network)
        let (checks, found) = await coordinator.run(neighbours)
        findings.checks += checks
        findings.model = found?.answer.model
        progress.status("dialling the other sites")
        findings.checks += await PeerChecks(
            identity: identity, members: record.members, paths: record.paths, proxy: network.proxy,
            neighbours: neighbours, coordinator: found
        ).run()
        return findings
    }

    /// Tries multicast itself, then who is found by it.
    private func multicast(_ findings: inout Findings) async -> Neighbours {
        guard network.discovery else {
            findings.checks += [
                MulticastCheck.off,
                .notChecked(.discovery, "switched off", remedy: "leave --discovery off out"),
            ]
            return Neighbours()
        }
        progress.status("trying multicast")
        let isNeeded = network.server == nil
        findings.checks += await MulticastCheck.run(network.interfaces, isNeeded: isNeeded)
        progress.status("looking for federation \(identity.federation) by multicast")
        let others = Set(record.members.map(\.id)).subtracting([identity.id])
        do {
            let neighbours = try await Neighbours.find(
                of: identity.federation, on: network.interfaces, parties: others, atMost: network.wait, logger: logger)
            findings.checks.append(judge(neighbours, isNeeded: isNeeded))
            return neighbours
        } catch {
            findings.checks.append(
                .warning(.discovery, "\(error)", remedy: "give the coordinator's address with --server host:port"))
            return Neighbours()
        }
    }

    private func judge(_ neighbours: Neighbours, isNeeded: Bool) -> Check {
        let seconds = neighbours.took.components
        let took = Double(seconds.seconds) + Double(seconds.attoseconds) / 1e18
        let sites = neighbours.parties.subtracting([identity.id]).count
        let figures = ["seconds": took, "sites": Double(sites)]
        let found = "\(sites) other sites of \(identity.federation) are announced"
        if let address = neighbours.addresses(of: .coordinator).first {
            return .ok(.discovery, "the coordinator is announced at \(address), \(found)", figures: figures)
        }
        let what = "no coordinator of \(identity.federation) is announced, \(found)"
        guard isNeeded else {
            return .warning(
                .discovery, what, remedy: "none is needed, with --server; sites near each other find each other by it",
                figures: figures)
        }
        return .warning(
            .discovery, what, remedy: "start the server, or give its address with --server host:port", figures: figures)
    }
}
