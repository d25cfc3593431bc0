// SPDX-License-Identifier: MIT

import FuzzSupport
import Messages

/// Whatever parses as a message, a header, a configuration or a signed payload encodes to bytes that parse to the same.
func fuzzMessages(_ input: FuzzInput) {
    guard let (kind, bytes) = input.choice(of: decoders.count) else { return }
    let again = decoders[kind]
    let once: [UInt8]
    do {
        once = try again(bytes)
    } catch is InvalidMessage {
        return
    } catch {
        return demand(false, "another error than InvalidMessage: \(error)")
    }
    demand((try? again(once)) == once, "what was encoded does not come back")
}

/// Decodes and encodes again, by kind; the corpus begins each input with a number of this list, so new kinds go to its end.
private let decoders: [@Sendable ([UInt8]) throws -> [UInt8]] = [
    { try ControlMessage(encoded: $0).encoded() },
    { try StreamHeader(encoded: $0).encoded() },
    { try RunConfiguration(encoded: $0).encoded() },
    { try EpochProposal(payload: $0).encoded() },
    { try RoundOpen(encoded: $0).encoded() },
    { try BeaconCommit(payload: $0).encoded() },
    { try BeaconReveal(payload: $0).encoded() },
    { try SlotSeedStatement(payload: $0).encoded() },
    { try SlotSeedAckStatement(payload: $0).encoded() },
    { try EpochReady(payload: $0).encoded() },
    { try SlotReady(payload: $0).encoded() },
    { try Upload(payload: $0).encoded() },
    { try Survivors(payload: $0).encoded() },
    { try Vote(payload: $0).encoded() },
    { try Partial(payload: $0).encoded() },
    { try RoundResult(payload: $0).encoded() },
    { try Skip(payload: $0).encoded() },
    { try InquiryAnswer(encoded: $0).encoded() },
    { try NotVoted(payload: $0).encoded() },
]
