// SPDX-License-Identifier: MIT

public import Logging
public import Transport

/// Serves connections of `smpc-inquiry/1`: they show that this process can be reached by somebody who may. They disturb
/// nothing: they lead to no machine and replace no connection of the run.
public enum InquiryDesk {
    /// How long one may last.
    public static let timeout = Duration.seconds(10)

    /// Sends the answer, if there is one, and waits for the other side to close.
    public static func serve(_ connection: Connection, answer: [UInt8]? = nil, logger: Logger) async {
        logger.debug("a member only asks", metadata: ["from": "\(connection.remoteAddress)"])
        let watchdog = connection.closeUnlessCancelled(after: timeout)
        defer { watchdog.cancel() }
        do {
            if let answer { try await connection.send(answer) }
            // Whatever is said here has no meaning: it is an end of the connection too.
            _ = try await connection.events.makeAsyncIterator().next()
        } catch {
            // Whoever asks may leave as it likes.
        }
        await connection.close()
    }
}
