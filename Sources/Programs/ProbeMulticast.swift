// SPDX-License-Identifier: MIT

import ArgumentParser
import Discovery

/// Tells a script by its exit code whether processes of this host hear each other by multicast.
public struct ProbeMulticast: AsyncParsableCommand {
    /// Names the subcommand; help does not list it, for it answers a script's question.
    public static let configuration = CommandConfiguration(
        commandName: "probe-multicast",
        abstract: "Tells whether processes of this host hear each other by multicast.",
        discussion: "Exit code 0 if they do, 1 if not.", shouldDisplay: false)

    /// The interfaces to try.
    @Option(help: "The network interfaces: lo, all, or names joined by commas.")
    public var interface: InterfaceOption = .all

    /// Makes the command with its defaults.
    public init() {}

    /// Sends a datagram to itself and waits a second for it.
    public func run() async throws {
        guard await DiscoveryService.probe(interfaces: interface.selection) else {
            throw ProgramError(
                .failed, "multicast is not heard on this host", subject: "interface \(interface)",
                remedy: "give the server's address with --server host:port")
        }
    }
}
