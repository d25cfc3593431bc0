// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Discovery

/// A datagram of anybody on the network: refused, or a message within the limits that written and read again is the same.
func fuzzDNS(_ input: FuzzInput) {
    guard let message = try? DNSMessage(decoding: input.all) else { return }
    let records = message.answers.count + message.authorities.count + message.additionals.count
    demand(message.questions.count + records <= DNSMessage.entriesMax, "too many entries")
    let encoded = message.encoded()
    // Names that came compressed in ways that the writer does not use may make it longer than what is read.
    guard encoded.count <= DNSMessage.bytesMax else { return }
    demand((try? DNSMessage(decoding: encoded)) == message, "what was written does not come back")
}
