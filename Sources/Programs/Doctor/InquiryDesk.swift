// SPDX-License-Identifier: MIT

public import Logging
public import Transport

/// Serves connections of `smpc-inquiry/1`: they show that this process can be reached by somebody who may. They disturb
/// nothing: they lead to no machine and replace no connection of the run.
public enum InquiryDesk {
    /// How long one may last.
    public static let timeout = Duration.seconds(10)

    /// Sends the answer, if there is one, and waits for the other side to close.
    ///
    /// - Parameter onStream: takes a stream that the other side opens; without it a stream ends the connection.
    public static func serve(
        _ connection: Connection, answer: [UInt8]? = nil, logger: Logger,
        onStream: (@Sendable (IncomingStream) async -> Void)? = nil
    ) async {
        logger.debug("a member only asks", metadata: ["from": "\(connection.remoteAddress)"])
        let watchdog = connection.closeUnlessCancelled(after: timeout)
        defer { watchdog.cancel() }
        do {
            if let answer { try await connection.send(answer) }
            // Whatever else is said here has no meaning: it is an end of the connection too.
            for try await event in connection.events {
                guard case .stream(let stream) = event, let onStream else { break }
                await onStream(stream)
            }
        } catch {
            // Whoever asks may leave as it likes.
        }
        await connection.close()
    }
}
