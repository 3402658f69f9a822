import Domain

/// A log on its way, and how much of it may still be sent.
struct LogStream: Sendable, Hashable {
    let request: LogsRequested
    /// The number of its last message.
    var sequence: Int64 = 0
    var bytesLeft: Int
    /// When it has been followed long enough; `nil` where it is not followed.
    private(set) var until: Int64?
    /// Whether a line was cut, or the limit has left some out, since the last message.
    var isTruncated = false

    init(_ request: LogsRequested, now: Int64) {
        self.request = request
        bytesLeft = max(0, request.bytes)
        until = request.follow ? now + Int64(max(0, request.seconds)) * 1_000_000 : nil
    }

    /// Lets a log that is followed go on for so long at least.
    mutating func listen(seconds: Int, now: Int64) {
        until = until.map { max($0, now + Int64(max(0, seconds)) * 1_000_000) }
    }

    /// No line is longer: what a container writes without an end of line is cut.
    static let longestLine = 16_384
    /// About how many bytes of lines a message holds at most.
    static let messageBytes = 131_072

    /// Takes lines that the limit allows, each with its end counted, as many as a message holds.
    mutating func take(from lines: inout ArraySlice<String>) -> [String] {
        var taken: [String] = []
        var size = 0
        while let next = lines.first, size < Self.messageBytes {
            guard bytesLeft > 1 else {
                isTruncated = true
                bytesLeft = 0
                break
            }
            let room = bytesLeft - 1
            let line = next.prefix(bytes: min(Self.longestLine, room))
            if line.utf8.count < next.utf8.count { isTruncated = true }
            // A line that the limit has cut is the last one.
            bytesLeft = min(next.utf8.count, Self.longestLine) <= room ? room - line.utf8.count : 0
            size += line.utf8.count + 1
            taken.append(line)
            lines.removeFirst()
        }
        return taken
    }
}

extension AgentSession {
    /// Sends lines of a log within its bounds; the cluster is told to end a log that nobody wants any more.
    mutating func sendLines(_ lines: [String], of request: LogsRequested, now: Int64, _ view: some Cluster) {
        guard logs[request.command] != nil else { return outputs.append(.endLog(command: request.command)) }
        var rest = lines[...]
        while !rest.isEmpty, let left = logs[request.command]?.bytesLeft, left > 0 {
            let taken = logs[request.command]?.take(from: &rest) ?? []
            sendLog(request.command, taken, end: nil, now: now)
        }
        if logs[request.command]?.bytesLeft == 0 {
            if !rest.isEmpty { logs[request.command]?.isTruncated = true }
            endLog(request.command, .byteLimit, now: now, view)
        }
    }

    /// Ends the logs that were followed long enough.
    mutating func endOverdueLogs(now: Int64, _ view: some Cluster) {
        let overdue = logs.values.filter { ($0.until ?? .max) <= now }.map(\.request.command).sorted()
        for command in overdue { endLog(command, .timeLimit, now: now, view) }
    }

    /// Sends a log's last message and ends its command; a log that is not being sent is not touched.
    mutating func endLog(_ command: String, _ end: LogEnd, now: Int64, _ view: some Cluster) {
        guard let stream = logs[command] else { return }
        sendLog(command, [], end: end, now: now)
        logs[command] = nil
        endedLogs.append(command)
        if endedLogs.count > Self.mostEndedLogs { endedLogs.removeFirst() }
        if end != .complete { outputs.append(.endLog(command: command)) }
        let subject = ClusterWork.log(stream.request).subject
        if let held = running.removeValue(forKey: subject) { succeed(held, now: now, view) }
    }

    /// Forgets a log that cannot be read; who has seen lines of it sees its end too.
    mutating func forgetLog(_ command: String, now: Int64) {
        if let stream = logs[command], stream.sequence > 0 { sendLog(command, [], end: .complete, now: now) }
        logs[command] = nil
    }

    private static let mostEndedLogs = 1000

    private mutating func sendLog(_ command: String, _ lines: [String], end: LogEnd?, now: Int64) {
        guard let epoch, var stream = logs[command], !lines.isEmpty || end != nil else { return }
        stream.sequence += 1
        let data = ContainerLog(
            command: command,
            sequence: stream.sequence,
            lines: lines,
            truncated: stream.isTruncated,
            ended: end != nil,
            reason: end?.rawValue
        )
        stream.isTruncated = false
        logs[command] = stream
        let request = stream.request
        send(
            topic: AgentMessage.logs,
            key: "\(cluster)/\(request.namespace)/\(request.pod)/\(request.container)",
            type: ContainerLogType.log,
            epoch: epoch,
            sequence: stream.sequence,
            instance: nil,
            data: AgentStatement.encode(data),
            now: now
        )
    }
}
