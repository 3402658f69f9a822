import CloudEvents
import JSON
import Testing

/// Events that are the value, as JSON.
struct StructuredModeTests {
    private func event(_ value: String, contentType: String = "application/cloudevents+json") throws -> CloudEvent {
        let message = CloudEventMessage(headers: [("content-type", contentType)], value: Array(value.utf8))
        return try CloudEvent(message, parser: JSONParser())
    }

    private func fault(_ value: String, contentType: String = "application/cloudevents+json") -> CloudEventError? {
        do {
            _ = try event(value, contentType: contentType)
            return nil
        } catch {
            return error as? CloudEventError
        }
    }

    private func with(_ more: String) -> String {
        #"{"specversion":"1.0","id":"1","source":"/s","type":"t""# + (more.isEmpty ? "" : "," + more) + "}"
    }

    @Test func `the same event is the same in both modes`() throws {
        let data = #"{ "replicas" : 2.0, "name": "\u00e9" }"#
        let structured = try event(
            with(
                #""subject":"é/🚀","time":"2026-11-23T08:00:00+01:00","dataschema":"urn:x","datacontenttype":"application/json","#
                    + #""epoch":7,"flag":true,"word":"w","traceparent":"00-a","tracestate":"a=b","#
                    + #""gone":null,"data" : \#(data) "#
            ),
            contentType: "Application/CloudEvents+JSON; charset=UTF-8"
        )
        let binary = try CloudEvent(
            CloudEventMessage(
                headers: [
                    ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t"),
                    ("ce_subject", "é/🚀"),
                    ("ce_time", "2026-11-23T08:00:00+01:00"), ("ce_dataschema", "urn:x"),
                    ("content-type", "application/json"), ("ce_epoch", "7"), ("ce_flag", "true"), ("ce_word", "w"),
                    ("traceparent", "00-a"), ("tracestate", "a=b"),
                ],
                value: Array(data.utf8)
            ),
            parser: JSONParser()
        )
        #expect(structured == binary)
        #expect(try CloudEvent(structured.message, parser: JSONParser()) == structured)
    }

    @Test(arguments: [
        (#""data":"text""#, "\"text\""), (#""data":null"#, "null"), (#""data":17"#, "17"), ("", ""),
        (#""data_base64":"eyJhIjoxfQ==""#, #"{"a":1}"#), (#""datacontenttype":"text/plain","data":"a\nb""#, "a\nb"),
        (#""datacontenttype":"application/vnd.x+json","data":"a""#, "\"a\""), (#""data_base64":"""#, ""),
    ])
    func `data in each form become bytes`(members: String, data: String) throws {
        #expect(String(decoding: try event(with(members)).data, as: UTF8.self) == data)
    }

    @Test(arguments: [
        ("", CloudEventError.Kind.emptyValue, ""), ("{", .dataNotJSON, ""), ("[]", .structuredModeInvalid, ""),
        ("\"x\"", .structuredModeInvalid, ""), ("{}", .missingAttribute, "specversion"),
        (#"{"specversion":"1.0"}"#, .missingAttribute, "id"),
        (#"{"specversion":"2.0"}"#, .wrongSpecVersion, "specversion"),
        (#"{"specversion":1.0}"#, .invalidAttribute, "specversion"),
        (#"{"specversion":"1.0","id":7,"source":"/s","type":"t"}"#, .invalidAttribute, "id"),
        (#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#, .missingAttribute, "id"),
        (#"{"specversion":"1.0","id":null,"source":"/s","type":"t"}"#, .missingAttribute, "id"),
        (#"{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t"}"#, .init(rawValue: "duplicate_key"), "id"),
        (#"{"specversion":"1.0","id":"\u0000","source":"/s","type":"t"}"#, .init(rawValue: "nul_character"), "id"),
    ])
    func `what is no event is refused with the member`(value: String, kind: CloudEventError.Kind, field: String) {
        let error = fault(value)
        #expect(error?.kind == kind)
        #expect(error?.field == field)
    }

    @Test(arguments: [
        (#""time":"now""#, CloudEventError.Kind.invalidAttribute, "time"),
        (#""myExtension":"x""#, .invalidAttribute, "myExtension"),
        (#""extension":{"a":1}"#, .structuredModeInvalid, "extension"),
        (#""extension":1.5"#, .structuredModeInvalid, "extension"),
        (#""data_base64":"%%%""#, .structuredModeInvalid, "data_base64"),
        (#""data_base64":5"#, .invalidAttribute, "data_base64"),
        (#""data":1,"data_base64":"""#, .structuredModeInvalid, "data_base64"),
        (#""data":{"a":{"b":1,"b":2}}"#, .init(rawValue: "duplicate_key"), "data.a.b"),
    ])
    func `a member that is wrong is named`(members: String, kind: CloudEventError.Kind, field: String) {
        let error = fault(with(members))
        #expect(error?.kind == kind)
        #expect(error?.field == field)
    }

    @Test(arguments: [
        "application/cloudevents-batch+json", "application/cloudevents+avro", "application/cloudevents",
        "APPLICATION/CLOUDEVENTS+PROTOBUF", "application/cloudevents+jsonx",
    ])
    func `other structured formats and batches are refused clearly`(contentType: String) {
        let error = fault(with(""), contentType: contentType)
        #expect(error?.kind == .unsupportedContentType)
        #expect(error?.field == "content-type")
        #expect(error?.sentence.contains(contentType) == true)
        if contentType.contains("batch") { #expect(error?.sentence.contains("not a batch") == true) }
    }

    @Test func `not UTF-8, too deep and too large are told apart`() {
        func kind(_ bytes: [UInt8]) -> CloudEventError.Kind? {
            let message = CloudEventMessage(
                headers: [(name: "content-type", value: Array("application/cloudevents+json".utf8))],
                value: bytes
            )
            return #expect(throws: CloudEventError.self) { try CloudEvent(message, parser: JSONParser()) }?.kind
        }
        #expect(kind(Array("{\"id\":\"".utf8) + [0xFF] + Array("\"}".utf8)) == .notUTF8)
        let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        #expect(kind(Array(deep.utf8)) == .init(rawValue: "too_deep"))
        #expect(kind([UInt8](repeating: UInt8(ascii: " "), count: 10_000_000)) == .tooLarge)
    }
}
