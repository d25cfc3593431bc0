// SPDX-License-Identifier: MIT

/// Says why bytes are no DNS message; offsets count from the start of the message.
enum InvalidDNSMessage: Error, Equatable {
    /// A name's length byte has one of the two reserved forms (RFC 1035, section 4.1.4).
    case labelForm(offset: Int, byte: UInt8)
    /// The message is longer than ``DNSMessage/bytesMax``.
    case messageTooLong(bytes: Int)
    /// A name is longer than 255 bytes when written out.
    case nameTooLong(offset: Int)
    /// Only ordinary queries and responses have a meaning here (RFC 6762, section 18.3).
    case opcode(UInt16)
    /// A compression pointer does not go strictly backwards.
    case pointerNotBackwards(offset: Int, target: Int)
    /// The data of a record of this type has the wrong length or form.
    case recordData(type: RecordType, offset: Int)
    /// A response code other than 0 (RFC 6762, section 18.11).
    case responseCode(UInt16)
    /// The header promises more than ``DNSMessage/entriesMax`` entries.
    case tooManyEntries(Int)
    /// The message ends before something it promised.
    case truncated(offset: Int, needed: Int)
}
