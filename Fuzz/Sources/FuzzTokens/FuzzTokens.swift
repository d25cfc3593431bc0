// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Identity

/// A token, as text or as the bytes behind its base64url: what is accepted has this one form.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokens(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let (kind, bytes) = FuzzInput.choice(of: 2, in: FuzzInput.bytes(start, count)) else { return 0 }
    let text = kind == 0 ? String(decoding: bytes, as: UTF8.self) : InvitationToken.prefix + Base64URL.encode(bytes)
    guard let token = try? InvitationToken(text: text) else { return 0 }
    demand(token.addresses.count <= InvitationToken.addressesMax, "too many addresses")
    demand((try? InvitationToken(text: token.exposedText())) == token, "what was written does not come back")
    return 0
}
