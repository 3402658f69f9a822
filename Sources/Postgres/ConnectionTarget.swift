import CPq

/// A connection URL taken apart, joined with the settings of a configuration.
struct ConnectionTarget: CustomStringConvertible {
    private(set) var keywords: [String] = []
    private(set) var values: [String] = []

    /// Reads the URL without connecting.
    ///
    /// libpq's own message would quote the URL with its password, so it is not passed on.
    init(_ configuration: PostgresConfiguration) throws(PostgresError) {
        let given = try Self.parse(configuration.url)
        let network = configuration.networkTimeout
        var defaults: [(String, String)] = [
            ("application_name", configuration.applicationName),
            ("connect_timeout", "\(max(2, configuration.connectTimeout.wholeSeconds))"),
            ("keepalives", "1"),
            ("keepalives_idle", "\(max(1, network.wholeSeconds / 3))"),
            ("keepalives_interval", "\(max(1, network.wholeSeconds / 6))"),
            ("keepalives_count", "4"),
            ("tcp_user_timeout", "\(network.wholeMilliseconds)"),
            ("client_encoding", "UTF8"),
        ]
        if configuration.needsWrites { defaults.append(("target_session_attrs", "read-write")) }
        for (keyword, value) in defaults where given[keyword] == nil {
            add(keyword, value)
        }
        for (keyword, value) in given where keyword != "options" {
            add(keyword, value)
        }
        add("options", [configuration.options, given["options"]].compactMap { $0 }.joined(separator: " "))
    }

    /// Host, port, user and database.
    var description: String {
        let host = self["host"] ?? self["hostaddr"] ?? "the local socket"
        return "PostgreSQL at \(host):\(self["port"] ?? "5432"), database \(self["dbname"] ?? self["user"] ?? "")"
    }

    private subscript(keyword: String) -> String? {
        keywords.firstIndex(of: keyword).map { values[$0] }
    }

    private mutating func add(_ keyword: String, _ value: String) {
        keywords.append(keyword)
        values.append(value)
    }

    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        guard let options = PQconninfoParse(url, nil) else {
            throw PostgresError(kind: .usage, message: "the PostgreSQL connection URL cannot be read")
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        if given["host"]?.contains("@") == true {
            throw PostgresError(
                kind: .usage,
                message: "the PostgreSQL connection URL holds an @ in its user or password; write it as %40"
            )
        }
        return given
    }

    /// Connects; blocks until the server has accepted or refused the session.
    ///
    /// - Returns: The connection, which the caller owns, good or bad; `nil` if there is no memory for it.
    func connect() -> OpaquePointer? {
        withCStrings(keywords) { keywords in
            withCStrings(values) { values in
                PQconnectdbParams(keywords, values, 0)
            }
        }
    }

    /// Lends an array of C strings that ends with a null pointer.
    private func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
        let bytes = strings.flatMap { $0.utf8CString }
        return bytes.withUnsafeBufferPointer { buffer in
            var offset = 0
            var pointers: [UnsafePointer<CChar>?] = []
            for string in strings {
                pointers.append(buffer.baseAddress.map { $0 + offset })
                offset += string.utf8.count + 1
            }
            pointers.append(nil)
            return pointers.withUnsafeBufferPointer { list in
                // An array of optional pointers and a C array of pointers have the same layout.
                list.baseAddress.map(body) ?? body([nil])
            }
        }
    }
}
