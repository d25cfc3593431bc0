// SPDX-License-Identifier: MIT

import Glibc

/// Checks that only their owner can read the files that hold keys.
public enum KeyFileCheck {
    /// Checks the files that are there.
    public static func run(_ paths: [String]) -> Check {
        var checked = 0
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else {
                if errno == ENOENT { continue }
                return .failed(.keys, "\(path): \(String(cString: strerror(errno)))", remedy: "see to its permissions")
            }
            checked += 1
            let mode = status.st_mode & 0o777
            guard mode & 0o077 == 0 else {
                return .failed(
                    .keys, "\(path) has mode \(String(mode, radix: 8)): others on this host can read or change it",
                    remedy: "chmod 600 \(path), and join anew if somebody may have read it")
            }
            guard status.st_uid == geteuid() else {
                return .warning(
                    .keys, "\(path) belongs to user \(status.st_uid), this is user \(geteuid())",
                    remedy: "call the programs as the user that owns the state directory")
            }
        }
        guard checked > 0 else {
            return .notChecked(.keys, "there are no keys yet", remedy: "they are made by join, or by init")
        }
        return .ok(.keys, "only their owner can read the \(checked) files that hold keys")
    }
}
