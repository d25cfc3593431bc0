// SPDX-License-Identifier: MIT

import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Turns the system's error numbers into its words.
enum SystemError {
    /// The port is taken by another socket.
    static let addressInUse = EADDRINUSE

    /// "Connection refused" for `ECONNREFUSED`.
    static func text(_ number: CInt) -> String {
        String(cString: strerror(number))
    }
}
