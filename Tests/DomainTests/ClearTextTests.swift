import Foundation
import Logging
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What should have been sealed and is not does not stay where messages are kept.
@Suite struct ClearTextTests {
    private func kept(_ type: String?, _ value: String) -> KafkaMessageView {
        let attributes = type.map { [("ce_type", $0)] } ?? []
        return ClearText.removed(
            from: KafkaMessageView(
                topic: "deployment.requests",
                partition: 3,
                offset: 7,
                key: "shop/staging",
                headers: [("ce_id", "1")] + attributes,
                value: Array(value.utf8)
            )
        )
    }

    private func text(_ message: KafkaMessageView) -> String {
        String(decoding: message.valueBytes ?? [], as: UTF8.self)
    }

    static let clear: [(String?, String)] = [
        ("slipway.secret.create.v1", #"{"secret":"db","data":{"password":"hunter2"}}"#),
        ("slipway.secret.create.v1", #"{"secret":"db","data":["hunter2"]}"#),
        ("slipway.secret.create.v1", #"{"secret":"db","data":"hunter2"}"#),
        ("slipway.secret.create.v1", #"{"secret":"db","data":{"a":{"b":"hunter2"}}}"#),
        ("slipway.secret.create.v1", #"{"secret":"db","data":{"password":"sealed:hunter2"}}"#),
        ("slipway.secret.create.v9", #"{"secret":"db","data":{"password":"hunter2"}}"#),
        ("slipway.secrets.put.v1", #"{"data":{"password":"hunter2"}}"#),
        ("slipway.secret.create.v1", #"{"secret":"db","data":{"password":"hunter2"}"#),
        ("slipway.secret.create.v1", #"{"data":"hunter2","deep":\#(String(repeating: "[", count: 2_000))"#),
        ("slipway.certificate.upload.v1", #"{"privateKey":"hunter2"}"#),
        ("slipway.certificate.upload.v1", #"{"chain":"-----BEGIN PRIVATE KEY-----\nhunter2"}"#),
        ("slipway.application.create.v1", #"{"registry":{"server":"r","password":"hunter2"}}"#),
        (
            "slipway.application.create.v1",
            #"{"chart":{"name":"web","repository":"https://ci:hunter2@charts.example"}}"#
        ),
        ("slipway.application.update.v1", #"{"registry":{"server":"https://ci:hunter2@r.example"}}"#),
        (nil, #"{"type":"slipway.secret.create.v1","data":{"data":{"password":"hunter2"}}}"#),
        (nil, #"{"type":"slipway.secret.create.v1","data_base64":"hunter2"}"#),
        (nil, #"{"type":"slipway.secret.create.v1","data":{"data":{"password":"hunter2"}}"#),
    ]

    @Test(arguments: clear) func `what stands in clear is left out`(type: String?, value: String) throws {
        let message = kept(type, value)
        #expect(!text(message).contains("hunter2"))
        #expect(text(message).contains(ClearText.mark))
        #expect(message.partition == 3 && message.offset == 7 && message.key == "shop/staging")
        #expect(message.header("ce_id") == "1" && message.header("ce_type") == type)
    }

    static let harmless: [(String?, String)] = [
        ("slipway.config-map.create.v1", #"{"configMap":"web","data":{"color":"red"}}"#),
        ("slipway.secret.create.v1", #"{"data":{"password":"\#(sealedText)"},"secret":"db"}"#),
        ("slipway.secret.delete.v1", #"{ "secret" : "db" }"#), ("slipway.unknown.verb.v1", "not JSON"),
        ("slipway.certificate.upload.v1", #"{"chain":"-----BEGIN CERTIFICATE-----","privateKey":"\#(sealedText)"}"#),
        (nil, #"{"type":"slipway.config-map.create.v1","data":{"data":{"color":"red"}}}"#),
        (nil, #"{"type":"slipway.config-map.create.v1","data":{"data":{"color":"red""#),
    ]

    @Test(arguments: harmless) func `everything else stays as it is, byte for byte`(type: String?, value: String) {
        #expect(text(kept(type, value)) == value)
    }

    static let releases: [(String, Bool)] = [
        (#"{"artifact":"web","chart":{"name":"web","repository":"https://ci:hunter2@charts.example"}}"#, true),
        (#"{"data":{"chart":{"name":"oci://ci:hunter2@r.example/web"}}}"#, true),
        (#"{"subject":{"id":"pkg:oci/web?repository_url=https%3A%2F%2Fci%3Ahunter2%40r.example/web&tag=1"}}"#, true),
        (#"{ "subject" : {"id":"pkg:oci/web@sha256%3Aab?repository_url=https://r.example/web&tag=1"}}"#, false),
        (#"{ "values" : "db: postgres://web:hunter2@db", "chart": {"repository":"https://ci@r.example"}}"#, false),
        ("@ not JSON", false),
    ]

    @Test(arguments: releases)
    func `a release event is kept without the passwords in its addresses`(value: String, isChanged: Bool) throws {
        let message = KafkaMessageView(topic: "release.events", key: "web", headers: [], value: Array(value.utf8))
        let fleetKey = try FleetKey(base64: FleetKey.random())
        let kept = text(ReleaseHandler(fleetKey: fleetKey, logger: Logger(label: "test")).keepable(message))
        #expect(isChanged ? !kept.contains("hunter2") && kept.contains(ClearText.mark) : kept == value)
    }

    @Test func `a request that waited without its values is refused as one in clear`() throws {
        let world = try CommandWorld.ready()
        let body = CommandWorld.body(#""secret":"db","data":{"password":"hunter2"}"#)
        let message = world.message("secret.create", key: "shop/staging", body)
        guard case .rejected(let reason) = try world.handle([ClearText.removed(from: message)]).first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.code == "not_sealed" && reason.field == "data.password")
    }
}
