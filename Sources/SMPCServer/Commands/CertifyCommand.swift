// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Primitives
import Programs

/// Takes in certificates that an institution's authority has signed.
struct CertifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify", abstract: "Takes in certificates that the institution's authority has signed.",
        discussion: """
            For a federation that began with init --ca-cert. Each certificate must answer a request that smpc-server requests \
            lists: same key, the same one URI, signed by the federation's authority, valid now, and no authority's. A server \
            that runs needs no restart; sites fetch theirs by repeating smpc-client join.

              smpc-server certify coordinator.pem site-a.pem --state fed

            Exit codes: 0 all of them taken in, 1 at least one refused, 64 usage.
            """)

    @Argument(
        help: ArgumentHelp("Files that hold one certificate each, in PEM.", valueName: "file"), completion: .file())
    var files: [String]
    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let issuer = try RequestsCommand.issuer(place.state)
        let progress = output.progress()
        var refused = 0
        for file in files {
            do throws(ProgramError) {
                let (role, certificate) = try take(file, issuer)
                let who = role == .coordinator ? "this server" : certificate.subjectCommonName
                progress.result(
                    "\(file): certificate of \(who), until \(isoTime(certificate.notAfter))",
                    Taken(
                        file: file, subject: certificate.subjectCommonName, uri: certificate.uris[0],
                        ends: certificate.notAfter))
            } catch {
                refused += 1
                Console.shared.error(error.line)
            }
        }
        if refused > 0 {
            throw ProgramError(.failed, "\(refused) of \(files.count) certificates refused", subject: "certify")
        }
    }

    private func take(
        _ file: String, _ issuer: CertificateIssuer
    ) throws(ProgramError) -> (PartyRole, Certificate) {
        do {
            let certificate = try Certificate(pem: String(decoding: try PrivateFile.read(file), as: UTF8.self))
            return (try issuer.accept(certificate, now: unixNow()), certificate)
        } catch IdentityError.certificateRoleMissing {
            throw ProgramError(
                .failed, "names no member of the federation and no coordinator, in exactly one URI", subject: file,
                remedy: "sign the request with -copy_extensions copy, so that the URI in it is kept")
        } catch IdentityError.requestUnknown(let party) {
            throw ProgramError(
                .failed, "no request waits that it would answer: its key is that of \(party)", subject: file,
                remedy: "see smpc-server requests --state \(place.state)")
        } catch {
            throw ProgramError(.failed, "\(error)", subject: file)
        }
    }

    private struct Taken: Encodable {
        let file: String
        let subject: String
        let uri: String
        let ends: Int64
    }
}
