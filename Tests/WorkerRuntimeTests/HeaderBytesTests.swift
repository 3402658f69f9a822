import Testing

@testable import WorkerRuntime

@Suite struct HeaderBytesTests {
    @Test func `headers come back as they were written, in order, repeated and null`() throws {
        let headers: [(String, [UInt8]?)] = [
            ("ce_id", Array("7f0c".utf8)), ("x", nil), ("x", []), ("ünï", [0, 255, 10]), ("x", Array("again".utf8)),
        ]
        #expect(HeaderBytes.encode(headers).withUnsafeBytes(HeaderBytes.areReadable))
        let back = try #require(HeaderBytes.decode(HeaderBytes.encode(headers)))
        #expect(back.map(\.0) == headers.map(\.0))
        #expect(back.map(\.1) == headers.map(\.1))
    }

    @Test(arguments: [[0], [0, 5, 65], [0, 1, 65], [0, 1, 65, 0, 0], [0, 1, 65, 0, 0, 0, 9, 1]] as [[UInt8]])
    func `bytes of another form are refused`(bytes: [UInt8]) {
        #expect(HeaderBytes.decode(bytes) == nil)
        #expect(!bytes.withUnsafeBytes(HeaderBytes.areReadable))
    }
}
