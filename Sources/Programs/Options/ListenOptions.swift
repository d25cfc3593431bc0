// SPDX-License-Identifier: MIT

import ArgumentParser

/// Says where a server listens and how it is found.
public struct ListenOptions: ParsableArguments {
    /// The address to listen on.
    @Option(
        help: ArgumentHelp(
            "The address to listen on; port 0 lets the system choose. (default: 0.0.0.0:7443)", valueName: "host:port"))
    public var listen: HostPort?

    /// The file that receives the port.
    @Option(
        help: ArgumentHelp("A file that receives the port when the server listens, for scripts.", valueName: "file"),
        completion: .file())
    public var portFile: String?

    /// Whether multicast is used.
    @Option(help: ArgumentHelp("Announce by multicast: on or off. (default: on)", valueName: "on/off"))
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
        /// The address to listen on.
        public var listen: HostPort
        /// The file that receives the port.
        public var portFile: String?
        /// Whether multicast is used.
        public var discovery: Bool
        /// The interfaces that multicast uses.
        public var interfaces: InterfaceOption
    }

    /// Completes what the command line leaves open.
    public func resolved(_ settings: Settings) throws(ProgramError) -> Resolved {
        let resolved = Resolved(
            listen: try settings.value(listen, .listen, default: HostPort(host: "0.0.0.0", port: 7443)),
            portFile: try settings.optional(portFile, .portFile),
            discovery: try settings.value(discovery, .discovery, default: .on).isOn,
            interfaces: try settings.value(interface, .interface, default: .all))
        try resolved.interfaces.requireThere()
        return resolved
    }
}
