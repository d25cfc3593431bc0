// SPDX-License-Identifier: MIT

import Identity
import Logging
import Messages
import Primitives
import Programs
import Synchronization
import Testing
import Transport

@testable import SMPCClient

/// Whom a site listens to: the members of its epoch, whatever certificate others have (protocol section 3).
@Suite(.timeLimit(.minutes(10))) struct PeerMeshTests {
    /// A site's listening side, whose events are taken and forgotten.
    private struct ListeningSite {
        let identity: PartyIdentity
        let mesh: PeerMesh
        let listener: Listener
        private let inbox = SiteInbox()
        /// Is told who said something; a stream ends with the task that reads it, so each has its own.
        private let ear = Ear()

        init(_ identity: PartyIdentity) async throws {
            self.identity = identity
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let meter = ByteMeter(phase: "test")
            mesh = PeerMesh(
                current: CurrentIdentity(identity), meter: meter, discovery: nil, proxy: nil, inbox: inbox,
                logger: logger)
            listener = try await Listener.bind(
                host: "127.0.0.1", port: 0, identity: identity.tlsIdentity, meter: meter)
            let (listener, mesh, inbox) = (listener, mesh, inbox)
            Task { for await connection in listener.connections { await mesh.accept(connection) } }
            Task { [ear] in
                for await item in inbox.items {
                    if case .peerMessage(let id, _) = item.event { ear.output.withLock { _ = $0?.yield(id) } }
                    item.done.resume()
                }
            }
        }

        /// Dials it and says `count` messages.
        private func connection(of peer: PartyIdentity, saying count: Int) async throws -> Connection {
            let connection = try await Transport.dial(
                host: "127.0.0.1", port: listener.port, identity: peer.tlsIdentity,
                expecting: .party(
                    identity.id, federation: identity.federation, spkiHash: identity.key.publicKey.spkiHash))
            let message = ControlMessage.slotReject(SlotReject(epoch: 0, proposal: nil)).encoded()
            for _ in 0..<count { try? await connection.send(message) }
            return connection
        }

        /// Waits until the site ends a connection.
        func waitForTheEnd(of peer: PartyIdentity, saying count: Int) async throws {
            let connection = try await connection(of: peer, saying: count)
            do { for try await _ in connection.events {} } catch {}
        }

        /// Whether the site takes what a peer says; otherwise it ends the connection.
        func hears(_ peer: PartyIdentity) async throws -> Bool {
            let (heard, output) = AsyncStream.makeStream(of: PartyID.self)
            ear.output.withLock { $0 = output }
            let connection = try await connection(of: peer, saying: 1)
            let isHeard = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for await id in heard where id == peer.id { return true }
                    return false
                }
                group.addTask {
                    do { for try await _ in connection.events {} } catch {}
                    return false
                }
                defer { group.cancelAll() }
                return await group.next() ?? false
            }
            await connection.close()
            return isHeard
        }
    }

    private final class Ear: Sendable {
        let output = Mutex<AsyncStream<PartyID>.Continuation?>(nil)
    }

    private static func party(_ authority: CertificateAuthority, _ name: String) throws -> PartyIdentity {
        let key = try SigningKey.generate()
        let certificate = try authority.issueParty(publicKey: key.publicKey, name: name, now: unixNow())
        return try PartyIdentity(key: key, certificate: certificate, authority: authority.certificate)
    }

    private static func members(_ parties: PartyIdentity...) -> [EpochProposal.Member] {
        parties.map { EpochProposal.Member(key: $0.key.publicKey, name: "member") }
    }

    @Test func onlyMembersOfTheEpochAreListenedTo() async throws {
        let authority = try CertificateAuthority.create(federation: #require(FederationName("test")), now: unixNow())
        let site = try await ListeningSite(Self.party(authority, "site"))
        let (member, stranger) = (try Self.party(authority, "member"), try Self.party(authority, "stranger"))

        #expect(try await !site.hears(member), "before the proposal has come")
        await site.mesh.connect(to: Self.members(site.identity, member))
        #expect(try await site.hears(member))
        #expect(try await !site.hears(stranger))
        await site.mesh.disconnect()
        #expect(try await site.hears(member), "its own connection may have broken before the last answer")
        #expect(try await !site.hears(stranger))
        await site.mesh.connect(to: Self.members(site.identity, stranger))
        #expect(try await !site.hears(member), "it is in this epoch no more")
        #expect(try await site.hears(stranger))
        await site.listener.close()
    }

    /// A member that lets nobody in, or whom nobody lets out, is met from the other side.
    @Test func theLargerIdentityDialsWhoeverDoesNotCome() async throws {
        let authority = try CertificateAuthority.create(federation: #require(FederationName("test")), now: unixNow())
        let parties = [try Self.party(authority, "a"), try Self.party(authority, "b")].sorted { $0.id < $1.id }
        let site = try await ListeningSite(parties[1])
        let silent = try await Listener.bind(host: "127.0.0.1", port: 0, identity: parties[0].tlsIdentity)
        await site.mesh.learn([.init(party: parties[0].id, addresses: ["127.0.0.1:\(silent.port)"])])
        await site.mesh.connect(to: Self.members(parties[0], parties[1]))
        // The time limit of the suite is what fails this.
        let connection = await silent.connections.first { _ in true }
        #expect(connection?.peer?.role == .party(parties[1].id))
        await site.mesh.disconnect()
        await silent.close()
        await site.listener.close()
    }

    /// Some attempts directly, then both ways in turn, from when on a relay may be asked for.
    @Test func theDirectWayComesFirstAndNeverGoesOut() {
        var turns = RelayTurns(directFirst: 2)
        #expect((0..<7).map { _ in turns.takeTurn(mayRelay: true) } == [false, false, true, false, true, false, true])
        #expect(turns.direct == 4, "each direct attempt takes the next address")
        turns.begin()
        #expect((0..<4).map { _ in turns.takeTurn(mayRelay: false) } == [false, false, false, false])
        #expect((0..<4).map { _ in turns.takeTurn(mayRelay: true) } == [true, false, true, false])
    }

    @Test func aMemberThatSaysTooMuchIsCutOff() async throws {
        let authority = try CertificateAuthority.create(federation: #require(FederationName("test")), now: unixNow())
        let site = try await ListeningSite(Self.party(authority, "site"))
        let member = try Self.party(authority, "member")
        await site.mesh.connect(to: Self.members(site.identity, member))
        #expect(try await site.hears(member))
        // The time limit of the suite is what fails this.
        try await site.waitForTheEnd(of: member, saying: PeerMesh.messagesMax + 1)
        await site.listener.close()
    }
}
