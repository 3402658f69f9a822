import CloudEvents
import JSON
import Testing

/// Data into `Decodable` values, and faults into words for who sent them.
struct EventDecodingTests {
    private struct Deploy: Decodable, Equatable {
        struct Chart: Decodable, Equatable {
            let name: String
        }
        enum Mode: String, Decodable {
            case fast, slow
        }
        let project: String
        var replicas: Int?
        var share: Double?
        var isForced: Bool?
        var chart: Chart?
        var steps: [Chart]?
        var labels: [String: String]?
        var mode: Mode?
    }

    private func decode(_ data: String, contentType: String = "application/json") throws -> Deploy {
        try CloudEvent(id: "1", source: "/s", type: "t", dataContentType: contentType, data: Array(data.utf8))
            .decode(Deploy.self, parser: JSONParser())
    }

    @Test func `good data are decoded`() throws {
        #expect(
            try decode(#"{"project":"shop","replicas":2,"chart":{"name":"web"},"steps":[],"unknown":1}"#)
                == Deploy(project: "shop", replicas: 2, chart: .init(name: "web"), steps: [])
        )
    }

    @Test(arguments: [
        (#"{}"#, "missing_field", "project", "'project' is missing; it must be there."),
        (#"{"project":null}"#, "missing_field", "project", "'project' must be a string, but is null."),
        (#"{"project":7}"#, "wrong_type", "project", "'project' must be a string, but is a number."),
        (
            #"{"project":"a","replicas":"2"}"#, "wrong_type", "replicas",
            "'replicas' must be a whole number, but is a string."
        ),
        (#"{"project":"a","share":true}"#, "wrong_type", "share", "'share' must be a number, but is true or false."),
        (
            #"{"project":"a","isForced":1}"#, "wrong_type", "isForced",
            "'isForced' must be true or false, but is a number."
        ),
        (#"{"project":"a","chart":[]}"#, "wrong_type", "chart", "'chart' must be an object, but is an array."),
        (#"{"project":"a","chart":{}}"#, "missing_field", "chart.name", "'chart.name' is missing; it must be there."),
        (#"{"project":"a","steps":{}}"#, "wrong_type", "steps", "'steps' must be an array, but is an object."),
        (
            #"{"project":"a","steps":[{"name":"x"},{"name":5}]}"#, "wrong_type", "steps[1].name",
            "'steps[1].name' must be a string, but is a number."
        ),
        (
            #"{"project":"a","labels":{"b":{}}}"#, "wrong_type", "labels.b",
            "'labels.b' must be a string, but is an object."
        ),
        ("[]", "wrong_type", "", "The data must be an object, but is an array."),
        ("\"x\"", "wrong_type", "", "The data must be an object, but is a string."),
        ("", "empty", "", "The value is empty; it should be JSON."),
        ("{", "not_json", "", "The value is not JSON."),
        (
            #"{"project":"a","chart":{"name":"x","name":"y"}}"#, "duplicate_key", "chart.name",
            "The key 'chart.name' stands more than once in its object; each key may stand once."
        ),
        (
            #"{"project":"a\u0000"}"#, "nul_character", "project",
            "The text or key 'project' holds the character U+0000, which cannot be stored; leave it out."
        ),
    ])
    func `a fault names the field, what is wrong and what would be right`(
        data: String,
        code: String,
        field: String,
        sentence: String
    ) {
        let error = #expect(throws: CloudEventError.self) { try decode(data) }
        #expect(error?.code == code)
        #expect(error?.field == field)
        #expect(error?.sentence == sentence)
    }

    @Test(arguments: [
        (#"{"project":"a","replicas":1.5}"#, "replicas", "'replicas' must be a whole number of at most 64 bits."),
        (
            #"{"project":"a","replicas":9223372036854775808}"#, "replicas",
            "'replicas' must be a whole number of at most 64 bits."
        ),
        (#"{"project":"a","mode":"medium"}"#, "mode", nil),
    ])
    func `a value that does not fit is named`(data: String, field: String, sentence: String?) {
        let error = #expect(throws: CloudEventError.self) { try decode(data) }
        #expect(error?.kind == (sentence == nil ? .invalidField : .wrongType))
        #expect(error?.field == field)
        #expect(error?.sentence.hasPrefix(sentence ?? "'\(field)' is not accepted: ") == true)
    }

    @Test func `data of another type are not decoded`() {
        let error = #expect(throws: CloudEventError.self) { try decode("{}", contentType: "text/plain") }
        #expect(error?.kind == .unsupportedContentType)
        #expect(throws: Never.self) {
            try decode(#"{"project":"a"}"#, contentType: "application/vnd.x+json; charset=utf-8")
        }
    }

    @Test func `10,000 levels end as a fault`() {
        let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        #expect(#expect(throws: CloudEventError.self) { try decode(deep) }?.code == "too_deep")
    }
}
