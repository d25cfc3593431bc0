// SPDX-License-Identifier: MIT

import Primitives
import SwiftProtobuf

/// A new member's request, parsed but not yet believed.
struct EnrolmentRequest {
    let tokenID: TokenID
    let name: String
    let spki: [UInt8]
    /// A certificate request in DER, not parsed yet; empty if there is none.
    let certificateRequest: [UInt8]
    /// The bytes that the signature and the authenticator cover.
    let payload: [UInt8]
    let signature: [UInt8]
    let authenticator: [UInt8]

    /// Signs and authenticates what `token` and `key` say.
    static func encode(
        token: InvitationToken, key: any Signer, certificateRequest: CertificateRequest?, exporter: [UInt8]
    ) throws -> [UInt8] {
        var payload = WireEnrollmentPayload()
        payload.tokenID = .init(token.id.bytes)
        payload.name = token.name
        payload.spki = .init(key.publicKey.spki)
        if let certificateRequest { payload.certificateRequest = .init(certificateRequest.der) }
        let payloadBytes: [UInt8] = try payload.serializedBytes()
        let signature = try key.sign(Enrolment.signatureInput(payload: payloadBytes))
        let input = Enrolment.authenticatorInput(payload: payloadBytes, signature: signature, exporter: exporter)
        var request = WireEnrollmentRequest()
        request.payload = .init(payloadBytes)
        request.signature = .init(signature)
        request.authenticator = .init(HMACSHA256.authenticate(input, key: token.secret).bytes)
        return try request.serializedBytes()
    }

    /// Parses a request; throws `malformed` unless every field has a size that it can have.
    init(bytes: [UInt8]) throws(EnrolmentRefusal) {
        guard bytes.count <= Enrolment.requestBytesMax,
            let request = try? WireEnrollmentRequest(serializedBytes: bytes),
            let payload = try? WireEnrollmentPayload(serializedBytes: request.payload),
            let tokenID = TokenID(bytes: payload.tokenID), MemberName.isValid(payload.name),
            payload.spki.count == PublicKey.spkiCount,
            payload.certificateRequest.count <= CertificateRequest.derCountMax,
            request.signature.count <= Enrolment.signatureBytesMax,
            request.authenticator.count == Digest.count
        else { throw .malformed }
        self.tokenID = tokenID
        name = payload.name
        spki = [UInt8](payload.spki)
        certificateRequest = [UInt8](payload.certificateRequest)
        self.payload = [UInt8](request.payload)
        signature = [UInt8](request.signature)
        authenticator = [UInt8](request.authenticator)
    }

    func isAuthenticated(secret: SecretBytes, exporter: [UInt8]) -> Bool {
        let input = Enrolment.authenticatorInput(payload: payload, signature: signature, exporter: exporter)
        return HMACSHA256.isValid(tag: authenticator, for: input, key: secret)
    }

    /// The key, if the signature shows that the sender has its private half.
    func provenKey() throws(EnrolmentRefusal) -> PublicKey {
        guard let key = try? PublicKey(spki: spki),
            key.isValid(signature: signature, for: Enrolment.signatureInput(payload: payload))
        else { throw .badKey }
        return key
    }

    /// The certificate request, if it is by this key, for this name and for the member's URI in this federation; nil if there
    /// is none and none is needed.
    func checkedCertificateRequest(
        key: PublicKey, federation: FederationName, isNeeded: Bool
    ) throws(EnrolmentRefusal) -> CertificateRequest? {
        guard !certificateRequest.isEmpty else {
            if isNeeded { throw .badCertificateRequest }
            return nil
        }
        guard let request = try? CertificateRequest(der: certificateRequest),
            (try? request.require(
                .party(PartyID(publicKey: key)), name: name, federation: federation, key: key)) != nil
        else { throw .badCertificateRequest }
        return request
    }
}
