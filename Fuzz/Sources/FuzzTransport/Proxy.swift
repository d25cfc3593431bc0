// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Transport

/// What a proxy answers: the same tunnel, the same refusal or the same wait however the bytes are cut.
func fuzzProxy(_ input: FuzzInput) {
    guard let (piece, bytes) = input.choice(of: 64) else { return }
    let whole = read(bytes, pieces: max(bytes.count, 1))
    demand(read(bytes, pieces: piece + 1) == whole, "the cuts change what comes out")
    if case .tunnel(let rest) = whole { demand(bytes.suffix(rest.count).elementsEqual(rest), "other bytes behind it") }
}

private enum Outcome: Equatable {
    case refusal(ProxyError)
    case tunnel(behind: [UInt8])
    case wait
}

private func read(_ bytes: [UInt8], pieces: Int) -> Outcome {
    var response = ProxyResponse(hadCredentials: false)
    do throws(ProxyError) {
        for offset in stride(from: 0, to: bytes.count, by: pieces) {
            let end = min(offset + pieces, bytes.count)
            if let rest = try response.receive(Array(bytes[offset..<end])) {
                return .tunnel(behind: rest + bytes[end...])
            }
        }
    } catch {
        return .refusal(error)
    }
    return .wait
}
