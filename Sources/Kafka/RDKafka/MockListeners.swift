import Glibc

/// The listening sockets of this process's mock brokers.
///
/// librdkafka's mock leaves Nagle's algorithm on: two small answers in a row wait for the client's delayed
/// acknowledgement, 40 ms. Kafka's own brokers send at once, and so does the mock after this; on Linux accepted sockets
/// take the option over from the one that listens.
enum MockListeners {
    /// Lets the listeners on these `host:port` places send without waiting.
    static func sendAtOnce(_ bootstrapServers: String) {
        let ports = Set(
            bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } }
        )
        for descriptor in openDescriptors() where isListening(descriptor) {
            guard let port = port(of: descriptor), ports.contains(port) else { continue }
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    private static func openDescriptors() -> [Int32] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var found: [Int32] = []
        while let entry = readdir(folder) {
            // An entry is as long as its name: who copies the field as it is declared reads beyond the end.
            guard let place = MemoryLayout<dirent>.offset(of: \.d_name) else { return found }
            let name = (UnsafeRawPointer(entry) + place).assumingMemoryBound(to: CChar.self)
            if let number = Int32(String(cString: name)) { found.append(number) }
        }
        return found
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        var answer: Int32 = 0
        var count = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &count) == 0 && answer != 0
    }

    private static func port(of descriptor: Int32) -> UInt16? {
        var address = sockaddr_in()
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &count) }
        }
        guard result == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
        return UInt16(bigEndian: address.sin_port)
    }
}
