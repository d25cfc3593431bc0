// SPDX-License-Identifier: MIT

internal import COpenSSL

/// One entry of libcrypto's error queue.
public struct OpenSSLFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The packed library and reason code.
    public let code: UInt
    /// The text that libcrypto has for the code, with the place that raised it.
    public let description: String

    /// Removes and returns this thread's whole error queue, oldest entry first.
    public static func drainStack() -> [OpenSSLFailure] {
        var stack: [OpenSSLFailure] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return stack }
            var text = [CChar](repeating: 0, count: 256)
            unsafe ERR_error_string_n(code, &text, text.count)
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            stack.append(OpenSSLFailure(code: UInt(code), description: String(decoding: bytes, as: UTF8.self)))
        }
    }
}

/// Stops the process when libcrypto fails at something that takes no foreign input: its self-test, its memory or its
/// random generator are broken, and no answer would be safe.
func requireSuccess(_ succeeded: Bool, _ operation: StaticString) {
    guard succeeded else {
        preconditionFailure("\(operation) failed: \(OpenSSLFailure.drainStack())")
    }
}
