// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Discovery

/// A datagram of anybody on the network: refused, or a message within the limits that written and read again is the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDNS(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let message = try? DNSMessage(decoding: FuzzInput.bytes(start, count)) else { return 0 }
    let records = message.answers.count + message.authorities.count + message.additionals.count
    demand(message.questions.count + records <= DNSMessage.entriesMax, "too many entries")
    let encoded = message.encoded()
    // Names that came compressed in ways that the writer does not use may make it longer than what is read.
    guard encoded.count <= DNSMessage.bytesMax else { return 0 }
    demand((try? DNSMessage(decoding: encoded)) == message, "what was written does not come back")
    return 0
}
