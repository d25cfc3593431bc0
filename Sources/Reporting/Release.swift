// SPDX-License-Identifier: MIT

/// Which release of Summand the programs are, and which protocol they speak.
public enum Release {
    /// What `--version` prints, after Semantic Versioning 2.0.0.
    public static let version = "0.1.0-dev (protocol 1)"
}
