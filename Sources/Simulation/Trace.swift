// SPDX-License-Identifier: MIT

import Aggregation
import Messages
import Primitives

/// Tells an action in a line: its case, and of what it carries the beginning.
func brief(_ action: some Any) -> String {
    var text = ""
    switch action {
    case let action as MemberAction:
        switch action {
        case .record(let fact): text = "record \(fact)"
        case .send(let message): text = "send \(message.name) \(detail(message))"
        case .sendPeer(let peer, let message): text = "to \(peer.hex.prefix(4)) \(message.name)"
        case .reject(let misbehavior): text = "reject \(misbehavior)"
        case .stop(let stop): text = "stop \(stop)"
        default: text = String("\(action)".prefix { $0 != "(" })
        }
    case let action as CoordinatorAction:
        switch action {
        case .record(let fact): text = "record \(fact)"
        case .send(let party, let message): text = "to \(party.hex.prefix(4)) \(message.name)"
        case .reject(let party, let misbehavior): text = "reject \(party.hex.prefix(4)) \(misbehavior)"
        case .report(let report): text = "report \(report)"
        case .finish(let end): text = "finish \(end)"
        default: text = String("\(action)".prefix { $0 != "(" })
        }
    default: text = "\(action)"
    }
    return String(shortened(text).prefix(300))
}

private func detail(_ message: ControlMessage) -> String {
    switch message {
    case .epochRefusal(let refusal): "\(refusal.line) \(refusal.detail)"
    case .silence(let silence): "\(silence.cause)"
    default: ""
    }
}

/// Cuts hashes and lists of bytes down to their beginning.
private func shortened(_ text: String) -> String {
    let hashes = text.replacing(/[0-9a-f]{16,}/) { String($0.output.prefix(6)) }
    return hashes.replacing(/\[[0-9]+, [0-9, ]+\]/, with: "[…]")
}
