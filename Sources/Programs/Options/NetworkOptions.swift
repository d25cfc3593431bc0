// SPDX-License-Identifier: MIT

import ArgumentParser
import Transport

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

    /// The proxy that leads out.
    @Option(
        help: ArgumentHelp(
            """
            The HTTP proxy through which the coordinator and the addresses that it tells are dialled, with CONNECT. What \
            multicast finds is dialled directly. (default: none)
            """,
            valueName: "host:port"))
    public var proxy: ProxyOption?

    /// The file with the name and the password that the proxy asks for.
    @Option(
        help: ArgumentHelp(
            "A file with name:password for the proxy, in one line. (default: none)", valueName: "file"),
        completion: .file())
    public var proxyCredentials: String?

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
        /// What leads out; nil: addresses are dialled directly.
        public var proxy: HTTPProxy?

        /// Makes a choice.
        public init(
            server: HostPort?, wait: Duration, discovery: Bool, interfaces: InterfaceOption, proxy: HTTPProxy? = nil
        ) {
            self.server = server
            self.wait = wait
            self.discovery = discovery
            self.interfaces = interfaces
            self.proxy = proxy
        }
    }

    /// Completes what the command line leaves open.
    public func resolved(_ settings: Settings) throws(ProgramError) -> Resolved {
        let resolved = Resolved(
            server: try settings.optional(server, .server),
            wait: try settings.value(wait, .wait, default: DurationOption(.seconds(30))).duration,
            discovery: try settings.value(discovery, .discovery, default: .on).isOn,
            interfaces: try settings.value(interface, .interface, default: .all),
            proxy: try resolvedProxy(settings))
        try resolved.interfaces.requireThere()
        guard resolved.server != nil || resolved.discovery else {
            throw ProgramError(
                .usage, "without multicast the coordinator's address is needed", subject: "--discovery off",
                remedy: "give it with --server host:port")
        }
        return resolved
    }

    private func resolvedProxy(_ settings: Settings) throws(ProgramError) -> HTTPProxy? {
        let file = try settings.optional(proxyCredentials, .proxyCredentials)
        guard let option = try settings.optional(proxy, .proxy) else {
            guard file == nil else {
                throw ProgramError(
                    .usage, "there is no proxy that it is for", subject: "--proxy-credentials",
                    remedy: "name the proxy with --proxy host:port")
            }
            return nil
        }
        return try HTTPProxy(option, credentialsFile: file)
    }
}
