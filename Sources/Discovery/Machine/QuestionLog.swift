// SPDX-License-Identifier: MIT

/// Remembers for a second what was asked on each link, so that what a neighbour has just asked is not asked again
/// (RFC 6762, section 7.3).
struct QuestionLog: Sendable {
    /// How long a neighbour's question stands for ours.
    static let memory = Duration.seconds(1)
    /// A question heard so soon after our own is its echo, or came with it: both were asked.
    static let echo = Duration.milliseconds(250)
    /// The most questions remembered of either kind; further ones are asked again, which does no harm.
    static let entriesMax = 1024

    private struct Key: Hashable {
        var link: LinkID
        var name: DomainName
        var type: RecordType
    }

    private var asked: [Key: Duration] = [:]
    private var heard: [Key: Duration] = [:]

    /// Notes a question that we ask.
    mutating func noteAsked(_ question: DNSQuestion, on link: LinkID, at now: Duration) {
        Self.note(Key(link: link, name: question.name, type: question.type), in: &asked, at: now)
    }

    /// Notes a question of a neighbour that has the answers come by multicast and rules out none that we want.
    mutating func noteHeard(_ question: DNSQuestion, on link: LinkID, at now: Duration) {
        guard !hasJustAsked(question, on: link, at: now) else { return }
        Self.note(Key(link: link, name: question.name, type: question.type), in: &heard, at: now)
    }

    /// Tells whether we asked the question so recently that what is heard may be its echo.
    func hasJustAsked(_ question: DNSQuestion, on link: LinkID, at now: Duration) -> Bool {
        asked[Key(link: link, name: question.name, type: question.type)].map { now - $0 < Self.echo } ?? false
    }

    /// Tells whether a neighbour has just asked the question.
    func isCovered(_ question: DNSQuestion, on link: LinkID, at now: Duration) -> Bool {
        heard[Key(link: link, name: question.name, type: question.type)].map { now - $0 < Self.memory } ?? false
    }

    private static func note(_ key: Key, in entries: inout [Key: Duration], at now: Duration) {
        if entries.count >= entriesMax { entries = entries.filter { now - $0.value < memory } }
        if entries.count < entriesMax || entries[key] != nil { entries[key] = now }
    }
}
