import Foundation
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
        (nil, #"{"type":"slipway.secret.create.v1","data":{"data":{"password":"hunter2"}}}"#),
        (nil, #"{"type":"slipway.secret.create.v1","data_base64":"hunter2"}"#),
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
    ]

    @Test(arguments: harmless) func `everything else stays as it is, byte for byte`(type: String?, value: String) {
        #expect(text(kept(type, value)) == value)
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
