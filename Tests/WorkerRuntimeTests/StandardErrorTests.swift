import Foundation
import Logging
import Testing

@testable import WorkerRuntime

/// What is said where nobody can take it.
@Suite struct StandardErrorTests {
    @Test func `a full disk ends no worker that logs`() throws {
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        let logger = Logger(label: "test") { LineLogHandler(label: $0, level: .info, descriptor: full) }
        logger.info("there is no room for this")
    }

    @Test func `a pipe that nobody empties takes what it has room for`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
        defer { ends.forEach { close($0) } }
        let text = String(repeating: "a line of a log\n", count: 100_000)
        StandardError.write(text, to: ends[1])
        var room = [UInt8](repeating: 0, count: 2_000_000)
        let count = read(ends[0], &room, room.count)
        #expect(count > 0 && count < text.utf8.count)
        StandardError.write("the next", to: ends[1])
        let more = read(ends[0], &room, room.count)
        #expect(String(decoding: room.prefix(more), as: UTF8.self) == "the next")
    }

    @Test func `a pipe that nobody reads any more ends no worker either`() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        StandardError.write("for nobody", to: ends[1])
    }
}
