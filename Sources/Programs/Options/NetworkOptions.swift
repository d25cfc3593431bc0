// SPDX-License-Identifier: MIT

import ArgumentParser

/// Says how a client finds and reaches the coordinator.
public struct NetworkOptions: ParsableArguments {
    /// The coordinator's address.
    @Option(
        help: ArgumentHelp(
            "The coordinator's host:port, where multicast does not reach. (default: found by multicast)",
            valueName: "host:port"))
    public var server: HostPort?

    /// How long to look for the coordinator.
    @Option(
        help: ArgumentHelp(
            "How long to look for the coordinator before giving up with exit code 69. (default: 30s)",
            valueName: "duration"))
    public var wait: DurationOption?

    /// Whether multicast is used.
    @Option(help: ArgumentHelp("Announce and find by multicast: on or off. (default: on)", valueName: "on/off"))
    public var discovery: SwitchOption?

    /// The interfaces that multicast uses.
    @Option(
        help: ArgumentHelp(
            "The network interfaces for multicast: lo, all, or names joined by commas. (default: all)",
            valueName: "interfaces"))
    public var interface: InterfaceOption?

    /// Makes the options with nothing set.
    public init() {}

    /// Holds the choices after the environment and the configuration file have been asked.
    public struct Resolved: Equatable, Sendable {
        /// The coordinator's address; nil if it is to be found.
        public var server: HostPort?
        /// How long to look for the coordinator.
        public var wait: Duration
        /// Whether multicast is used.
        public var discovery: Bool
        /// The interfaces that multicast uses.
        public var interfaces: InterfaceOption

        /// Makes a choice.
        public init(server: HostPort?, wait: Duration, discovery: Bool, interfaces: InterfaceOption) {
            self.server = server
            self.wait = wait
            self.discovery = discovery
            self.interfaces = interfaces
        }
    }

    /// Completes what the command line leaves open.
    public func resolved(_ settings: Settings) throws(ProgramError) -> Resolved {
        let resolved = Resolved(
            server: try settings.optional(server, .server),
            wait: try settings.value(wait, .wait, default: DurationOption(.seconds(30))).duration,
            discovery: try settings.value(discovery, .discovery, default: .on).isOn,
            interfaces: try settings.value(interface, .interface, default: .all))
        try resolved.interfaces.requireThere()
        guard resolved.server != nil || resolved.discovery else {
            throw ProgramError(
                .usage, "without multicast the coordinator's address is needed", subject: "--discovery off",
                remedy: "give it with --server host:port")
        }
        return resolved
    }
}
