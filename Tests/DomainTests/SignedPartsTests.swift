import Testing
import WorkerRuntime

@testable import Domain

/// What a signature covers is the whole of each part, however long.
struct SignedPartsTests {
    private static let value: [UInt8] = [1, 2, 3]

    private func written(id: String) -> [UInt8] {
        Self.value.withUnsafeBytes {
            SignedParts(
                .fromAgent,
                topic: "resource.changes",
                key: "east/shop",
                type: "t",
                source: "/s",
                id: id,
                subject: nil,
                time: nil,
                epoch: 1,
                sequence: nil,
                value: $0
            ).bytes
        }
    }

    private func read(id: String) throws -> [UInt8] {
        let view = KafkaMessageView(
            topic: "resource.changes",
            key: "east/shop",
            headers: [("ce_type", "t"), ("ce_source", "/s"), ("ce_id", id), ("ce_epoch", "1")],
            value: Self.value
        )
        return try #require(SignedParts(.fromAgent, of: view)).bytes
    }

    @Test(arguments: [0, 1, 300, 350, 380, 400, 512, 5000])
    func `parts are the same written and read, and each byte of them counts`(length: Int) throws {
        let id = String(repeating: "i", count: length)
        #expect(try read(id: id) == written(id: id))
        #expect(written(id: id).count == written(id: "").count + length)
        #expect(written(id: id + "a") != written(id: id + "b"))
        #expect(written(id: id).suffix(40) == written(id: "").suffix(40))
    }
}
