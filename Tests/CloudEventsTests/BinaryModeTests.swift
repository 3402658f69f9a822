import CloudEvents
import JSON
import Testing

/// Events whose attributes are headers.
struct BinaryModeTests {
    private static let complete = [
        ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/ci/shop"), ("ce_type", "slipway.instance.deploy.v1"),
    ]

    private func event(_ headers: [(String, String)], _ value: String? = "{}") throws -> CloudEvent {
        let message = CloudEventMessage(headers: headers, value: value.map { Array($0.utf8) })
        return try CloudEvent(message, parser: JSONParser())
    }

    /// The complete headers with one of them changed, or left out.
    private func headers(_ name: String, _ value: String?) -> [(String, String)] {
        Self.complete.filter { $0.0 != name } + (value.map { [(name, $0)] } ?? [])
    }

    private func fault(_ headers: [(String, String)], _ value: String? = "{}") -> CloudEventError? {
        do {
            _ = try event(headers, value)
            return nil
        } catch {
            return error as? CloudEventError
        }
    }

    @Test func `all attributes are read, extensions and the trace apart`() throws {
        let optional = [
            ("ce_subject", "shop/staging"), ("ce_time", "2026-11-23T08:00:00Z"),
            ("ce_dataschema", "https://example.org/s"),
            ("content-type", "application/json; charset=utf-8"), ("ce_epoch", "7"), ("ce_partitionkey", "k"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("ce_traceparent", "older"),
            ("tracestate", "a=b"), ("ce_tracestate", "older=1"), ("other", "no attribute"),
        ]
        let event = try event(Self.complete + optional, #"{"a":1}"#)
        #expect(event.id == "1")
        #expect(event.source == "/ci/shop")
        #expect(event.type == "slipway.instance.deploy.v1")
        #expect(event.subject == "shop/staging")
        #expect(event.time == "2026-11-23T08:00:00Z")
        #expect(event.dataSchema == "https://example.org/s")
        #expect(event.dataContentType == "application/json; charset=utf-8")
        #expect(event.extensions == ["epoch": "7", "partitionkey": "k"])
        #expect(event.trace?.parent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        #expect(event.trace?.state == "a=b")
        #expect(event.data == Array(#"{"a":1}"#.utf8))
    }

    @Test func `only the mandatory attributes and a tombstone's null are enough`() throws {
        let event = try event(Self.complete, nil)
        #expect(event.subject == nil && event.time == nil && event.extensions.isEmpty)
        #expect(event.dataContentType == "application/json")
        #expect(event.data.isEmpty)
    }

    @Test(arguments: ["ce_specversion", "ce_id", "ce_source", "ce_type"])
    func `a mandatory attribute that is missing or empty is named`(name: String) {
        for value in [nil, ""] {
            let error = fault(headers(name, value))
            #expect(error?.kind == .missingAttribute)
            #expect(error?.code == "missing_attribute")
            #expect(error?.field == name)
            #expect(error?.sentence.contains("'\(name)' is \(value == nil ? "missing" : "empty")") == true)
        }
    }

    @Test(arguments: [
        ("ce_specversion", "0.3", CloudEventError.Kind.wrongSpecVersion),
        ("ce_specversion", "1.0.2", .wrongSpecVersion),
        ("ce_subject", "", .invalidAttribute), ("ce_time", "yesterday", .invalidAttribute),
        ("ce_time", "", .invalidAttribute),
        ("ce_time", "2026-02-30T00:00:00Z", .invalidAttribute), ("ce_id", "a\u{0}b", .invalidAttribute),
        ("ce_id", "a\nb", .invalidAttribute), ("ce_source", "not a uri", .invalidAttribute),
        ("ce_dataschema", "a b", .invalidAttribute), ("ce_my-name", "x", .invalidAttribute),
        ("ce_", "x", .invalidAttribute),
        ("ce_id", String(repeating: "x", count: 1025), .tooLarge),
        ("ce_any", String(repeating: "x", count: 4097), .tooLarge),
    ])
    func `an attribute that is wrong is named`(name: String, value: String, kind: CloudEventError.Kind) {
        let error = fault(headers(name, value))
        #expect(error?.kind == kind)
        #expect(error?.field == name)
        #expect(error?.sentence.contains("'\(name)'") == true)
        #expect((error?.sentence.count ?? 0) < 300)
    }

    @Test func `a header that is null or not UTF-8 is named`() {
        let headers = Self.complete.map { (name: $0.0, value: Optional(Array($0.1.utf8))) }
        for name in ["ce_subject", "ce_tenant"] {
            for value in [[0xFF], nil] as [[UInt8]?] {
                let message = CloudEventMessage(headers: headers + [(name: name, value: value)], value: nil)
                let error = #expect(throws: CloudEventError.self) { try CloudEvent(message, parser: JSONParser()) }
                #expect(error?.kind == .notUTF8)
                #expect(error?.field == name)
                #expect(error?.sentence.contains("is null or not UTF-8") == true)
            }
        }
    }

    @Test func `an attribute that stands twice is refused: nobody can say which one was signed`() {
        let message = CloudEventMessage(
            headers: [
                ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_id", "2"), ("ce_source", "/s"), ("ce_type", "t"),
            ],
            value: Array("{}".utf8)
        )
        let error = #expect(throws: CloudEventError.self) { try CloudEvent(message, parser: JSONParser()) }
        #expect(error?.kind == .invalidAttribute)
        #expect(error?.field == "ce_id")
    }

    @Test(arguments: ["a\u{0}b", "a\nb", "", String(repeating: "0", count: 4097)])
    func `a trace that cannot be passed on is left out, and the message is read`(text: String) throws {
        let trace = [("ce_traceparent", "00-a"), ("traceparent", text), ("tracestate", text)]
        let event = try event(Self.complete + trace)
        #expect(event.trace == TraceContext(parent: "00-a"))
    }

    @Test func `a state of a trace belongs to the parent beside it, and without one means nothing`() throws {
        func trace(_ headers: [(String, String)]) throws -> TraceContext? { try event(Self.complete + headers).trace }
        #expect(try trace([("tracestate", "a=b")]) == nil)
        #expect(try trace([("ce_tracestate", "a=b")]) == nil)
        let attributes = [("ce_traceparent", "00-a"), ("ce_tracestate", "a=b")]
        #expect(try trace(attributes) == TraceContext(parent: "00-a", state: "a=b"))
        #expect(try trace(attributes + [("traceparent", "00-c")]) == TraceContext(parent: "00-c"))
        #expect(try trace(attributes + [("tracestate", "c=d")]) == TraceContext(parent: "00-a", state: "a=b"))
    }

    @Test func `10 MB are too large`() {
        let error = fault(Self.complete, String(repeating: " ", count: 10_000_000))
        #expect(error?.kind == .tooLarge)
        #expect(error?.sentence.contains("10000000 bytes") == true)
    }

    @Test func `what is written in the binary mode is read as it was`() throws {
        let event = CloudEvent(
            id: "id-1",
            source: "/slipway/release-worker",
            type: "slipway.x.y.v1",
            subject: "é/🚀",
            time: "2026-11-23T08:00:00.123Z",
            dataSchema: "urn:a:b",
            extensions: ["epoch": "2", "a": "b"],
            trace: TraceContext(parent: "00-a", state: "c=d"),
            data: Array("[1]".utf8)
        )
        #expect(try CloudEvent(event.message, parser: JSONParser()) == event)
        #expect(
            event.headers.map(\.0) == [
                "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_dataschema",
                "content-type",
                "ce_a", "ce_epoch", "traceparent", "tracestate",
            ]
        )
        #expect(event.headers.first { $0.0 == "content-type" }?.1 == "application/json")
    }

    @Test func `a carrier without a list of headers still carries CloudEvents' own attributes`() throws {
        struct Plain: CloudEventCarrier {
            let headers: [String: String]
            func header(_ name: String) -> String? { headers[name] }
            func withValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? { nil }
        }
        let headers = Dictionary(uniqueKeysWithValues: Self.complete + [("ce_subject", "s"), ("ce_epoch", "1")])
        let event = try CloudEvent(Plain(headers: headers), parser: JSONParser())
        #expect(event.subject == "s")
        #expect(event.extensions.isEmpty)
    }
}
