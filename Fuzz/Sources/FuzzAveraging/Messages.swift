// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Averaging

/// Whatever parses as a message or a header of plain averaging, or as a stored configuration, encodes to bytes that parse to
/// the same; and from whatever configuration a server sends, a client finds out how to encode.
func fuzzAveraging(_ input: FuzzInput) {
    guard let (kind, bytes) = input.choice(of: decoders.count) else { return }
    let again = decoders[kind]
    let once: [UInt8]
    do {
        once = try again(bytes)
    } catch is InvalidAveragingMessage {
        return
    } catch {
        return demand(false, "another error than InvalidAveragingMessage: \(error)")
    }
    demand((try? again(once)) == once, "what was encoded does not come back")
}

/// Decodes and encodes again, by kind; the corpus begins each input with a number of this list, so new kinds go to its end.
private let decoders: [@Sendable ([UInt8]) throws -> [UInt8]] = [
    {
        let message = try AveragingMessage($0)
        if case .configuration(let configuration) = message { prepare(for: configuration) }
        return message.encoded()
    },
    { try AveragingStreamHeader($0).encoded() },
    { try AveragingConfiguration(encoded: $0).encoded() },
]

/// What a client computes from a configuration before it looks at its data; it may refuse.
private func prepare(for configuration: AveragingConfiguration) {
    guard let scale = try? configuration.firstScale(), (try? configuration.encoding(members: 1)) != nil else { return }
    demand((scale == .exact) == (configuration.sum != .quantised), "the scale of another kind of run")
}
