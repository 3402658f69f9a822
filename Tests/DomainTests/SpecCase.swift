import CloudEvents
import JSON
import Testing

@testable import Domain
@testable import WorkerRuntime

/// One line of a table: a body, and the reason it must be refused with; none where it is right.
struct SpecCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let json: String
    let code: String?
    let field: String?
    /// What the sentence must say, beside the field.
    let says: String

    init(_ description: String, _ json: String) {
        (testDescription, self.json, code, field, says) = (description, json, nil, nil, "")
    }

    init(_ description: String, _ json: String, _ code: String, _ field: String, says: String = "") {
        (testDescription, self.json, self.code, self.field, self.says) = (description, json, code, field, says)
    }

    /// Reads the body as a request's data are read, checks it, and holds the reason against the line.
    func check<Spec: Decodable>(
        _ type: Spec.Type,
        _ location: SourceLocation = #_sourceLocation,
        _ body: (Spec) throws -> Void
    ) throws {
        let reason = try refusal { try body(try Self.read(type, json)) }
        #expect(reason?.code == code, "\(reason?.sentence ?? "it is accepted")", sourceLocation: location)
        #expect(reason?.field == field, sourceLocation: location)
        guard let reason, let field else { return }
        #expect(reason.sentence.contains("'\(field)'"), sourceLocation: location)
        #expect(says.isEmpty || reason.sentence.contains(says), "\(reason.sentence)", sourceLocation: location)
        expectSentence(reason, location)
    }

    static func read<Spec: Decodable>(_ type: Spec.Type, _ json: String) throws -> Spec {
        let message = KafkaMessageView(
            topic: "deployment.requests",
            key: "shop/staging",
            headers: [
                ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/portal"), ("ce_type", "slipway.a.b.v1"),
                ("content-type", "application/json"),
            ],
            value: Array(json.utf8)
        )
        let parser = JSONParser()
        do {
            return try CloudEvent(message, parser: parser).decode(type, parser: parser)
        } catch {
            throw Reason(code: error.code, sentence: error.sentence, field: error.field)
        }
    }
}

/// The reason a body throws; `nil` where it throws none.
func refusal(_ body: () throws -> Void) throws -> Reason? {
    do {
        try body()
        return nil
    } catch let reason as Reason {
        return reason
    }
}

/// One clear sentence: it begins like one, ends like one, and is one.
func expectSentence(_ reason: Reason, _ location: SourceLocation = #_sourceLocation) {
    #expect(reason.sentence.hasSuffix(".") && !reason.sentence.hasSuffix(".."), sourceLocation: location)
    #expect(!reason.sentence.contains("\n") && !reason.sentence.contains("  "), sourceLocation: location)
}

/// What manifests in these tests have in common.
func head(_ concept: ObjectConcept, _ name: String) -> ObjectHead {
    ObjectHead(
        concept: concept,
        namespace: "shop-staging",
        name: name,
        mark: ObjectHead.Mark(command: "c-1", generation: 3)
    )
}

/// The head of a manifest in these tests.
func metadata(_ concept: String, _ name: String, more: String = "", annotations: String = "") -> String {
    #""metadata":{"name":"\#(name)","namespace":"shop-staging","labels":{"#
        + #""app.kubernetes.io/managed-by":"slipway",\#(more)"slipway.io/command":"c-1","#
        + #""slipway.io/concept":"\#(concept)","slipway.io/generation":"3"}\#(annotations)}"#
}

func text(_ manifest: ObjectManifest) -> String { String(decoding: manifest.json, as: UTF8.self) }

/// A text that is sealed in form; nobody can open it.
let sealedText = "sealed:v1:fleet-1:" + String(repeating: "A", count: 80)
