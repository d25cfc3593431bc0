// SPDX-License-Identifier: MIT

/// Names the half of the comparison that a run belongs to.
public enum Arm: String, Codable, Sendable, CaseIterable {
    /// Federated averaging without secret sharing, by the program `fedavg`.
    case normal
    /// The secure federation, by `smpc-server` and `smpc-client`.
    case smpc
}

/// Says how the processes of a run found each other.
public enum DiscoveryMethod: String, Codable, Sendable, CaseIterable {
    /// DNS-SD over multicast DNS; no address was given.
    case multicast
    /// The coordinator's address was given with `--server`.
    case server
}

/// Says how a run ended.
public enum RunOutcome: String, Codable, Sendable, CaseIterable {
    /// Too few participants, no quorum, or interrupted: exit code 2.
    case aborted
    /// All configured rounds were applied.
    case completed
    /// A round left the parameters unchanged, which ends the run early and well.
    case converged
    /// Something broke: exit code 1.
    case failed
    /// A sum, a hash or a signature did not hold: exit code 3.
    case verificationFailed = "verification_failed"
}

/// States what is known of a run before its first round: the conditions that a comparison must share.
public struct RunDescription: Codable, Equatable, Sendable {
    /// The half of the comparison.
    public var arm: Arm
    /// The encoding of the summed vectors, such as `exact`.
    public var encoding: String
    /// How the processes found each other.
    public var discovery: DiscoveryMethod
    /// The number of clients that trained.
    public var clients: Int
    /// The number of coordinates of the model.
    public var parameters: Int
    /// The data set, as given to `--dataset`.
    public var dataset: String
    /// The model, as given to `--model`.
    public var model: String
    /// The partition, as given to `--partition`.
    public var partition: String
    /// The seed of the run.
    public var seed: UInt64
    /// When the run began, ISO 8601 in UTC.
    public var startedAt: String
    /// What the server said of the protection of single updates, one or two sentences; nil in a run without any.
    public var protection: String?

    /// Describes a run.
    public init(
        arm: Arm, encoding: String, discovery: DiscoveryMethod, clients: Int, parameters: Int, dataset: String,
        model: String, partition: String, seed: UInt64, startedAt: String, protection: String? = nil
    ) {
        self.arm = arm
        self.encoding = encoding
        self.discovery = discovery
        self.clients = clients
        self.parameters = parameters
        self.dataset = dataset
        self.model = model
        self.partition = partition
        self.seed = seed
        self.startedAt = startedAt
        self.protection = protection
    }

    /// What people call the encoding: `exact`, `float32`, `16 bits`.
    public var encodingWord: String { encoding.allSatisfy(\.isNumber) ? "\(encoding) bits" : encoding }

    enum CodingKeys: String, CodingKey {
        case arm
        case encoding
        case discovery
        case clients
        case parameters
        case dataset
        case model
        case partition
        case seed
        case startedAt = "started_at"
        case protection
    }
}
