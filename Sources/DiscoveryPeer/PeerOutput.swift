// SPDX-License-Identifier: MIT

import Discovery
import Foundation
import NIOCore

/// Writes what happens to a peer as lines of JSON, one at a time.
actor PeerOutput {
    private struct Line: Encodable {
        var time: Double
        var event: String
        var fields: [String: String]
        var services: [Service]?
    }

    private struct Service: Encodable {
        var instance: String
        var id: String
        var federation: String
        var role: String
        var host: String
        var addresses: [String]
        var port: UInt16

        init(_ service: DiscoveredService) {
            instance = service.instance
            id = service.id
            federation = service.federation
            role = service.role.rawValue
            host = service.host
            addresses = service.addresses
            port = service.port
        }
    }

    private let service: DiscoveryService

    init(_ service: DiscoveryService) { self.service = service }

    func write(_ event: DiscoveryEvent) {
        switch event {
        case .found(let service): write("found", [:], [Service(service)])
        case .lost(let instance): write("lost", ["instance": instance])
        case .updated(let service): write("updated", [:], [Service(service)])
        }
    }

    func writeState() async {
        let counters = await service.counters
        let fields = [
            "instance": await service.instance ?? "", "malformed": "\(counters.malformed)",
            "unusable": "\(counters.unusable)", "overflow": "\(counters.overflow)",
        ]
        write("state", fields, await service.services().map(Service.init))
    }

    func write(_ event: String, _ fields: [String: String]) { write(event, fields, nil) }

    private func write(_ event: String, _ fields: [String: String], _ services: [Service]?) {
        let time = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(Line(time: time, event: event, fields: fields, services: services)) else {
            return
        }
        FileHandle.standardOutput.write(json + [0x0A])
    }
}
