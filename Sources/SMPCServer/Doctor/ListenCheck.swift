// SPDX-License-Identifier: MIT

import Identity
import Programs
import Reporting
import Transport

/// Says whether the server's port is free, or who has it.
struct ListenCheck: Sendable {
    let identity: PartyIdentity
    let listen: HostPort

    private static let otherPort = "end that program, or choose another port with --listen"

    /// Binds a socket that never listens; where another one does, dials who is there.
    func run() async -> Check {
        guard listen.port != 0 else {
            return .ok(.listen, of: "\(listen)", "the system chooses a free port when the server starts")
        }
        switch PortProbe(host: listen.host, port: Int(listen.port)) {
        case .free: return .ok(.listen, of: "\(listen)", "the port is free")
        case .held: return await holder()
        case .refused(let reason):
            return .failed(
                .listen, of: "\(listen)", reason,
                remedy: "choose an address of this host, and a port that this user may listen on, with --listen")
        }
    }

    private func holder() async -> Check {
        let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][listen.host] ?? listen.host
        let result = await Inquiry(as: identity).dial(
            HostPort(host: host, port: listen.port),
            expecting: .coordinator(federation: identity.federation, spkiHash: identity.key.publicKey.spkiHash),
            wantsAnswer: true)
        switch result {
        case .success(let reached):
            let milliseconds = reached.roundTrip / .milliseconds(1)
            return .ok(
                .listen, of: "\(listen)",
                "this server runs there and answers, round trip \(NumberText.fixed(milliseconds, 2)) ms",
                figures: ["round_trip_ms": milliseconds])
        case .failure(let error):
            return .failed(
                .listen, of: "\(listen)", "taken by another program (dialled: \(error))", remedy: Self.otherPort)
        }
    }
}
