import CloudEvents
import Foundation
import JSON
import Testing

/// The official samples of CDEvents as data of CloudEvents in both modes.
struct CDEventsConformanceTests {
    /// The folder beside the repository that holds the samples; not part of the repository.
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "../shared/data/cdevents").standardizedFileURL

    private static let samples: [URL] = ["v0.4.1", "v0.5.1"].flatMap { version in
        let conformance = folder.appending(path: "\(version)/conformance")
        let files = try? FileManager.default.contentsOfDirectory(at: conformance, includingPropertiesForKeys: nil)
        return (files ?? []).filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
    }

    private struct Sample: Decodable {
        struct Context: Decodable {
            let id: String
            let source: String
            let type: String
            let timestamp: String
        }
        struct Subject: Decodable {
            let id: String
        }
        let context: Context
        let subject: Subject
    }

    @Test(
        .enabled(if: !samples.isEmpty, "the samples of CDEvents are expected in ../shared/data/cdevents"),
        arguments: samples
    )
    func `a sample reads the same in both modes`(file: URL) throws {
        let parser = JSONParser()
        let bytes = [UInt8](try Data(contentsOf: file))
        let context = try JSONDecoder().decode(Sample.self, from: Data(bytes)).context
        let binary = try CloudEvent(
            CloudEvent(
                id: context.id,
                source: context.source,
                type: context.type,
                time: context.timestamp,
                data: bytes
            ).message,
            parser: parser
        )
        let envelope = JSONWriter.object { json in
            json.member("specversion", "1.0")
            json.member("id", context.id)
            json.member("source", context.source)
            json.member("type", context.type)
            json.member("time", context.timestamp)
            json.member("data", json: Array(String(decoding: bytes, as: UTF8.self).trimmed.utf8))
        }
        let structured = try CloudEvent(
            CloudEventMessage(
                headers: [("content-type", "application/cloudevents+json; charset=UTF-8")],
                value: envelope
            ),
            parser: parser
        )
        var expected = binary
        expected.data = Array(String(decoding: binary.data, as: UTF8.self).trimmed.utf8)
        #expect(structured == expected)
        #expect(try structured.decode(Sample.self, parser: parser).subject.id.isEmpty == false)
        #expect(RFC3339.parse(context.timestamp) != nil)
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
