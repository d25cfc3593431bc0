// SPDX-License-Identifier: MIT

import Identity
import Messages
import Programs
import Reporting
import Transport

/// Dials the coordinator, which says by its certificate that it is the one, and by its answer that this site may take part.
struct CoordinatorChecks: Sendable {
    let identity: PartyIdentity
    let record: SiteRecord
    let network: NetworkOptions.Resolved

    /// The most addresses that are dialled: whoever floods multicast with false records takes a little longer, no more.
    static let addressesMax = 64

    /// A coordinator that lets this site in.
    struct Found: Sendable {
        let answer: InquiryAnswer
        /// Reaches other sites through it.
        let relay: RelayedInquiry
    }

    /// Gives the checks `coordinator`, `clock` and, with a proxy, `proxy`; and the coordinator itself.
    func run(_ neighbours: Neighbours) async -> ([Check], Found?) {
        let addresses = candidates(neighbours)
        guard !addresses.isEmpty else {
            let checks: [Check] = [
                .failed(
                    .coordinator, of: "federation \(identity.federation)", "its address is not known",
                    remedy: network.proxy == nil
                        ? "start the server, or give its address with --server host:port"
                        : "behind a proxy give its address with --server host:port"),
                clockUnknown,
            ]
            return (checks + proxyCheck(nil, []), nil)
        }
        let inquiry = Inquiry(as: identity, proxy: network.proxy)
        let (reached, failures) = await inquiry.dialFirst(
            addresses, atMost: Self.addressesMax, expecting: expected, wantsAnswer: true)
        guard let reached else { return (proxyCheck(nil, failures) + [unreached(failures), clockUnknown], nil) }
        let milliseconds = reached.roundTrip / .milliseconds(1)
        let way =
            network.server != nil
            ? "--server"
            : neighbours.addresses(of: .coordinator).contains(reached.address)
                ? "multicast" : "the address of last time"
        guard let answer = reached.answer.flatMap({ try? InquiryAnswer(encoded: $0) }) else {
            let check = Check.failed(
                .coordinator, of: "\(reached.address)", "answers in another way than this version understands",
                remedy: "bring both programs up to date")
            return (proxyCheck(reached, failures) + [check, clockUnknown], nil)
        }
        let check = Check.ok(
            .coordinator, of: "\(reached.address)",
            "lets this site in, both certificates accepted; known by \(way), \(reached.path), round trip "
                + "\(fixed(milliseconds)) ms, \(answer.directory.entries.count) sites connected",
            figures: ["round_trip_ms": milliseconds, "connected": Double(answer.directory.entries.count)])
        let clock = ClockCheck.run(
            theirs: answer.unixMilliseconds, ours: reached.answeredAt, window: reached.window)
        let relay = RelayedInquiry(inquiry: inquiry, coordinator: reached.address, expected: expected)
        return (proxyCheck(reached, failures) + [check, clock], Found(answer: answer, relay: relay))
    }

    private var expected: PeerExpectation {
        .coordinator(federation: identity.federation, spkiHash: record.coordinatorKey?.spkiHash)
    }

    /// The address given; otherwise the one of last time, and those that are announced.
    private func candidates(_ neighbours: Neighbours) -> [HostPort] {
        if let server = network.server { return [server] }
        let announced = network.proxy == nil ? neighbours.addresses(of: .coordinator) : []
        let last = record.coordinatorAddress.map { [$0] } ?? []
        return last + announced.filter { !last.contains($0) }
    }

    /// Names the failure that tells most: that somebody answered.
    private func unreached(_ failures: [(address: HostPort, error: ConnectionError)]) -> Check {
        let worst = failures.first { $0.error.isAnswer } ?? failures.first
        guard let worst else {
            return .failed(.coordinator, "did not answer", remedy: "start the server")
        }
        return .failed(
            .coordinator, of: "\(worst.address)", "\(worst.error)",
            remedy: worst.error.remedy(reaching: "the coordinator"))
    }

    private var clockUnknown: Check {
        .notChecked(.clock, "the coordinator did not tell the time", remedy: "mend what keeps it from being reached")
    }

    private func proxyCheck(_ reached: Inquiry.Reached?, _ failures: [(address: HostPort, error: ConnectionError)])
        -> [Check]
    {
        guard let proxy = network.proxy else { return [] }
        let subject = "\(proxy)"
        if let reached { return [.ok(.proxy, of: subject, "leads to \(reached.address)")] }
        for (address, error) in failures {
            guard case .proxy(let refusal) = error else { continue }
            return [
                .failed(
                    .proxy, of: subject, "asked for \(address): \(refusal)",
                    remedy: error.remedy(reaching: "the proxy"))
            ]
        }
        guard let (address, error) = failures.first else {
            return [
                .notChecked(.proxy, of: subject, "there is no address to ask it for", remedy: "give --server host:port")
            ]
        }
        if case .timedOut = error {
            return [
                .failed(
                    .proxy, of: subject, "no answer through it from \(address)",
                    remedy: "correct --proxy, or see to the firewalls")
            ]
        }
        return [.ok(.proxy, of: subject, "leads to \(address), which then says: \(error)")]
    }

    private func fixed(_ number: Double) -> String { NumberText.fixed(number, 2) }
}

extension ConnectionError {
    /// Whether somebody answered, so that the address is not only a wrong one.
    var isAnswer: Bool {
        switch self {
        case .certificateRejected, .closed, .noApplicationProtocol, .proxy, .refused: true
        default: false
        }
    }
}
