// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Identity

/// A token, as text or as the bytes behind its base64url: what is accepted has this one form.
func fuzzTokens(_ input: FuzzInput) {
    guard let (kind, bytes) = input.choice(of: 2) else { return }
    let text = kind == 0 ? String(decoding: bytes, as: UTF8.self) : InvitationToken.prefix + Base64URL.encode(bytes)
    guard let token = try? InvitationToken(text: text) else { return }
    demand(token.addresses.count <= InvitationToken.addressesMax, "too many addresses")
    demand((try? InvitationToken(text: token.exposedText())) == token, "what was written does not come back")
}
