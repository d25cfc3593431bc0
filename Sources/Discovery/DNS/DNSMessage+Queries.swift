// SPDX-License-Identifier: MIT

extension DNSMessage {
    /// Spreads questions and known answers over as few messages as ``sentBytesMax`` allows: questions first; every
    /// message that further known answers follow is marked as truncated (RFC 6762, section 7.2).
    static func queries(_ questions: [DNSQuestion], known: [ResourceRecord]) -> [DNSMessage] {
        var messages = [DNSMessage()]
        for question in questions {
            messages[messages.count - 1].questions.append(question)
            if messages[messages.count - 1].encoded().count > sentBytesMax {
                messages[messages.count - 1].questions.removeLast()
                messages.append(DNSMessage(questions: [question]))
            }
        }
        for record in known {
            messages[messages.count - 1].answers.append(record)
            if messages[messages.count - 1].encoded().count > sentBytesMax {
                messages[messages.count - 1].answers.removeLast()
                messages[messages.count - 1].isTruncated = true
                messages.append(DNSMessage(answers: [record]))
            }
        }
        return messages
    }
}
