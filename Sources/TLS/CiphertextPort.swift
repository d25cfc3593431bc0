// SPDX-License-Identifier: MIT

internal import COpenSSL

/// Lets OpenSSL read ciphertext where the network has put it, and write records where they are sent from.
///
/// A pair of OpenSSL's memory BIOs would copy each byte once more on either way, and zero its place before that. What does
/// not fit is kept here: input that OpenSSL has not asked for yet, records that no output had room for.
@safe final class CiphertextPort {
    /// What waits in memory of this object, from `start` on.
    private struct Backlog {
        private var bytes: [UInt8] = []
        private var start = 0

        var count: Int { bytes.count - start }

        mutating func append(_ more: UnsafeRawBufferPointer) { unsafe bytes.append(contentsOf: more) }

        /// Moves as much to `space` as there is on both sides; returns how much.
        mutating func move(to space: UnsafeMutableRawBufferPointer) -> Int {
            let moved = min(count, space.count)
            unsafe space.copyBytes(from: bytes[start..<(start + moved)])
            start += moved
            if start == bytes.count { (bytes, start) = ([], 0) }
            return moved
        }
    }

    private var unread = Backlog()
    private var unsent = Backlog()
    /// Input and room for output that a caller lends, for the time of its call.
    private var lentInput = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    private var lentOutput = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// The bytes of input that OpenSSL has not taken.
    var unreadCount: Int { unsafe unread.count + lentInput.count }
    /// The bytes of records that no output has taken.
    var unsentCount: Int { unsent.count }

    /// Lets OpenSSL read `input` while `body` runs; what it leaves is kept.
    func lend(_ input: RawSpan, _ body: () -> Void) {
        unsafe input.withUnsafeBytes { bytes in
            // What a call around this one has lent comes first.
            keepLentInput()
            if unread.count == 0 { unsafe lentInput = bytes } else { unsafe unread.append(bytes) }
            body()
            keepLentInput()
        }
    }

    private func keepLentInput() {
        unsafe unread.append(lentInput)
        unsafe lentInput = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Moves what waits into `output`, then lets OpenSSL write there while `body` runs; what finds no room is kept.
    func lend(_ output: inout OutputRawSpan, _ body: () -> Void) {
        unsafe output.withUnsafeMutableBytes { buffer, count in
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let moved = unsafe unsent.move(to: free)
            unsafe lentOutput = UnsafeMutableRawBufferPointer(rebasing: free[moved...])
            body()
            unsafe count += free.count - lentOutput.count
            unsafe lentOutput = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        }
    }

    /// What OpenSSL reads; returns how many bytes there were.
    fileprivate func read(into space: UnsafeMutableRawBufferPointer) -> Int {
        if unread.count > 0 { return unsafe unread.move(to: space) }
        let count = unsafe min(space.count, lentInput.count)
        unsafe space.copyMemory(from: UnsafeRawBufferPointer(rebasing: lentInput[..<count]))
        unsafe lentInput = UnsafeRawBufferPointer(rebasing: lentInput[count...])
        return count
    }

    /// What OpenSSL writes, always all of it.
    fileprivate func write(_ bytes: UnsafeRawBufferPointer) {
        let count = unsafe unsent.count > 0 ? 0 : min(bytes.count, lentOutput.count)
        unsafe lentOutput.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        unsafe lentOutput = UnsafeMutableRawBufferPointer(rebasing: lentOutput[count...])
        unsafe unsent.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
    }

    // MARK: As OpenSSL sees it

    /// The kind of BIO that these are; nil when there was no memory for it.
    ///
    /// Sharing it between threads is sound, which the compiler cannot know of a pointer: it is made once, by Swift's own lock,
    /// OpenSSL only reads it from then on, and it is never freed.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "Summand ciphertext") else {
            return nil
        }
        unsafe BIO_meth_set_read_ex(method, readCiphertext)
        unsafe BIO_meth_set_write_ex(method, writeCiphertext)
        unsafe BIO_meth_set_ctrl(method, controlCiphertext)
        return unsafe method
    }()

    /// Makes a BIO over this object, which has to outlive it; nil when there is no memory.
    func makeBIO() -> OpaquePointer? {
        guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else { return nil }
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    fileprivate static func of(_ bio: OpaquePointer?) -> CiphertextPort? {
        guard let raw = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<CiphertextPort>.fromOpaque(raw).takeUnretainedValue()
    }
}

private func readCiphertext(
    bio: OpaquePointer?, space: UnsafeMutablePointer<CChar>?, count: Int, taken: UnsafeMutablePointer<Int>?
) -> CInt {
    unsafe BIO_clear_flags(bio, CiphertextFlags.all)
    guard let port = unsafe CiphertextPort.of(bio), let taken = unsafe taken else { return 0 }
    unsafe taken.pointee = port.read(into: UnsafeMutableRawBufferPointer(start: space, count: count))
    if unsafe taken.pointee > 0 || count == 0 { return 1 }
    // Nothing there yet, which is not the end.
    unsafe BIO_set_flags(bio, CiphertextFlags.retryRead)
    return 0
}

private func writeCiphertext(
    bio: OpaquePointer?, bytes: UnsafePointer<CChar>?, count: Int, written: UnsafeMutablePointer<Int>?
) -> CInt {
    unsafe BIO_clear_flags(bio, CiphertextFlags.all)
    guard let port = unsafe CiphertextPort.of(bio), let written = unsafe written else { return 0 }
    unsafe port.write(UnsafeRawBufferPointer(start: bytes, count: count))
    unsafe written.pointee = count
    return 1
}

/// Answers what OpenSSL asks of a BIO: a flush succeeds, for everything is where it belongs already.
private func controlCiphertext(_: OpaquePointer?, command: CInt, _: Int, _: UnsafeMutableRawPointer?) -> Int {
    command == BIO_CTRL_FLUSH ? 1 : 0
}

/// The flags that a BIO tells OpenSSL with whether to come again.
private enum CiphertextFlags {
    static let retryRead = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY
    static let all = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY
}
