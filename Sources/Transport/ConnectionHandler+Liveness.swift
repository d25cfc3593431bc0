// SPDX-License-Identifier: MIT

import NIOCore

extension ConnectionHandler {
    /// Begins to ping, and to listen for silence. The first ping goes out with what is pumped next.
    func startPinging() {
        lastHeard = .now()
        pingAtIntervals()
        watchSilence()
    }

    /// Sends a ping for a call that waits for its answer.
    func ping(ticket: Ticket) {
        do {
            _ = try requireOpen()
            queuePing(waiter: ticket)
            pump()
        } catch {
            fail(ticket, error)
        }
    }

    /// Takes the peer's answer to a ping; one that answers nothing is dropped.
    func ponged(_ nonce: UInt64) {
        guard let answer = pings.answered(nonce: nonce, at: .now()) else { return }
        status.answered(after: answer.roundTrip)
        if let waiter = answer.waiter { succeed(waiter) }
    }

    func stopPinging() {
        pingTask?.cancel()
        silenceTask?.cancel()
    }

    private func pingAtIntervals() {
        guard let context, case .open = phase else { return }
        queuePing(waiter: nil)
        let interval = TimeAmount(configuration.pingInterval)
        pingTask = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            self.pingAtIntervals()
            self.pump()
        }
    }

    private func queuePing(waiter: Ticket?) {
        let nonce = ConnectionCore.ticket()
        pings.sent(nonce: nonce, at: .now(), waiter: waiter)
        // When no more answers fit, the peer does not read; its silence will end the connection.
        try? scheduler.reply(.ping(nonce))
    }

    private func watchSilence() {
        guard let context, case .open = phase else { return }
        let silence = NIODeadline.now() - lastHeard
        let maximum = TimeAmount(configuration.silenceMax)
        // While this side does not read, it cannot hear.
        if silence >= maximum, !isAwaitingConsumer { return fail(.lost(silence: configuration.silenceMax)) }
        let delay = isAwaitingConsumer ? maximum : maximum - silence
        silenceTask = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.watchSilence() }
    }
}
