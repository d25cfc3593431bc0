// SPDX-License-Identifier: MIT

/// Says whether a process runs on a state directory.
public enum HolderCheck {
    /// Asks for the directory's lock, which stays as it is.
    public static func run(directory: String) -> Check {
        guard let holder = StateLock.holder(of: directory) else {
            return .ok(.inUse, "no run is going on with this state directory")
        }
        return .ok(.inUse, "\(holder) runs with this state directory; nothing here disturbs it")
    }
}
