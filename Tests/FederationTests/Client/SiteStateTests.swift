// SPDX-License-Identifier: MIT

import Aggregation
import Foundation
import Identity
import Learning
import Messages
import Primitives
import Programs
import Testing

@testable import SMPCClient

/// What a site keeps on disk.
struct SiteStateTests {
    /// A fresh directory, removed when the body ends.
    private func inDirectory(_ body: (SiteDirectory) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "state-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(SiteDirectory(url.path))
    }

    private func keys() throws -> EpochKeys {
        let signers = try (0..<3).map { _ in try SigningKey.generate() }
        let layout = try ModelSpec(parsing: "softmax:2-2").layout
        let configuration = RunConfiguration(
            run: [UInt8](repeating: 1, count: 16), bits: 63, clip: 0, weightMax: 1, uniformWeights: false,
            layout: layout.bytes, model: "softmax:2-2", initial: .seed(.zero), seed: 1, rounds: 1, roundsPerEpoch: 1,
            gammaPercent: 20, cohortMin: 3,
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 1, localEpochs: 1))
        let proposal = EpochProposal(
            federation: "test", epoch: 1, round: 1, modelHash: .zero, paramsHash: .zero, appliedRounds: 0,
            members: signers.enumerated().map { .init(key: $1.publicKey, name: "site-\($0)") }, mode: .all,
            slotCount: 3, configuration: configuration)
        let signed = try Signed(signing: proposal, with: signers[0])
        return EpochKeys(proposal: signed.envelope, draft: try EpochDraft(signed)) { SecretBytes(randomCount: $0) }
    }

    @Test func keysOfAnotherInstanceAreNotUsed() throws {
        try inDirectory { directory in
            let own = EpochKeysFile(path: directory.epochKeys, instance: [UInt8](repeating: 1, count: 16))
            let restored = EpochKeysFile(path: directory.epochKeys, instance: [UInt8](repeating: 2, count: 16))
            let keys = try keys()
            try own.write(keys)
            #expect(own.read()?.epochHash == keys.epochHash)
            #expect(restored.read() == nil)
        }
    }

    @Test func replacedAndRemovedKeysAreOverwritten() throws {
        try inDirectory { directory in
            let file = EpochKeysFile(path: directory.epochKeys, instance: [UInt8](repeating: 1, count: 16))
            try file.write(keys())
            // A second name keeps the old blocks within sight.
            let sight = "\(directory.path)/sight"
            try FileManager.default.linkItem(atPath: directory.epochKeys, toPath: sight)
            try file.write(keys())
            #expect(SiteDirectory.read(sight)?.allSatisfy { $0 == 0 } == true)
            #expect(file.read() != nil)
            try file.remove()
            #expect(file.read() == nil)
            try file.remove()
        }
    }

    @Test func thePolicyThatIsWrittenAtFirstIsTheDefault() throws {
        try inDirectory { directory in
            try PolicyFile.writeDefault(directory.policy)
            #expect(try PolicyFile.read(directory.policy) == SitePolicy())
            try Data("min_members = 7\n".utf8).write(to: URL(filePath: directory.policy))
            try PolicyFile.writeDefault(directory.policy)
            #expect(try PolicyFile.read(directory.policy).minMembers == 7)
        }
    }

    @Test func parametersThatAreNotTheirNamesAreRefused() throws {
        try inDirectory { directory in
            let store = try SiteStore(creating: directory)
            let spec = try ModelSpec(parsing: "softmax:2-2")
            let parameters = try Parameters.initial(spec, seed: [UInt8](repeating: 3, count: 32))
            try store.write(parameters, hash: parameters.hash)
            #expect(try store.parameters(parameters.hash, layout: spec.layout) == parameters)
            try store.write(parameters, hash: .zero)
            #expect(throws: (any Error).self) { try store.parameters(.zero, layout: spec.layout) }
            try store.dropParameters(except: [parameters.hash])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.models).count == 1)
        }
    }

    @Test func factsOutliveTheProcess() throws {
        try inDirectory { directory in
            let chain = ModelChain(run: [UInt8](repeating: 1, count: 16), paramsHash: .zero, scale: .exact)
            let base = SHA256.hash([1])
            try SiteStore(creating: directory).append(.chain(chain, own: true))
            try SiteStore(directory).append(.updateKept(base: base), [.activity: [1, 2]])
            let store = try SiteStore(directory)
            #expect(try store.ledger().chain == chain)
            #expect(try store.ledger().keptUpdateBase == base)
            #expect(try store.value(.activity) == [1, 2])
            #expect(try store.instance == SiteStore(directory).instance)
        }
    }

    /// A site that made a new record would upload again under parameters under which it has uploaded.
    @Test func aRecordThatIsGoneIsNotMadeAnew() throws {
        try inDirectory { directory in
            #expect(throws: ProgramError.self) { try SiteStore(directory) }
            #expect(!FileManager.default.fileExists(atPath: directory.database))
            try Data().write(to: URL(filePath: directory.database))
            let error = #expect(throws: ProgramError.self) { try SiteStore(directory) }
            #expect(error?.what == "the record of what this site has sent is gone")
            let made = try SiteStore(creating: directory).instance
            #expect(try SiteStore(directory).instance == made)
        }
    }

    @Test func aDayOfActivityIsNeverUnderestimated() {
        var activity = DailyActivity()
        let hour: Int64 = 3600
        let began = 1000 * hour + 1800
        let counted = activity.count(.entered(round: 1, ctx: .zero), now: began)
        let another = activity.count(.updateKept(base: .zero), now: began)
        #expect(counted && !another)
        #expect(activity.today(now: began + 24 * hour) == Member.Activity(rounds: 1, epochs: 0))
        #expect(activity.today(now: began + 25 * hour) == Member.Activity())
    }

    @Test func peersAreToldTheAddressThatFacesTheCoordinator() {
        #expect(PeerAddresses(host: "0.0.0.0", port: 5).addresses(towards: "10.0.0.7") == ["10.0.0.7:5"])
        #expect(PeerAddresses(host: "::", port: 5).addresses(towards: "fe80::1") == ["[fe80::1]:5"])
        #expect(PeerAddresses(host: "192.0.2.1", port: 5).addresses(towards: "10.0.0.7") == ["192.0.2.1:5"])
        #expect(PeerAddresses(host: "0.0.0.0", port: 5).addresses(towards: nil) == [])
    }
}
