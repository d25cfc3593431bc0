// SPDX-License-Identifier: MIT

/// Lists every setting of every program, by its key in `config.toml`.
///
/// `cohort_wait` is the option `--cohort-wait` and the variable `SUMMAND_COHORT_WAIT`.
public enum SettingKey: String, CaseIterable, Sendable {
    case arithmetic
    case batchSize = "batch_size"
    case clip
    case cohort
    case cohortMin = "cohort_min"
    case cohortWait = "cohort_wait"
    case crossCheck = "cross_check"
    case data
    case dataset
    case discovery
    case encoding
    case federation
    case gamma
    case `init`
    case interface
    case label
    case learningRate = "learning_rate"
    case listen
    case localEpochs = "local_epochs"
    case metrics
    case model
    case momentum
    case optimizer
    case part
    case partition
    case pinned
    case plain
    case portFile = "port_file"
    case proxy
    case proxyCredentials = "proxy_credentials"
    case rejoinWait = "rejoin_wait"
    case relays
    case rounds
    case roundsPerEpoch = "rounds_per_epoch"
    case seed
    case server
    case serverAddress = "server_address"
    case slots
    case uploadWait = "upload_wait"
    case uploadWaitMin = "upload_wait_min"
    case wait
    case weightMax = "weight_max"
    case weights

    /// Gives the name of the option.
    public var option: String { "--" + rawValue.replacing("_", with: "-") }

    /// Gives the name of the environment variable.
    public var variable: String { Self.variablePrefix + rawValue.uppercased() }

    /// Starts the name of every environment variable.
    static let variablePrefix = "SUMMAND_"
}
