import Glibc

/// Files that hold keys: only their owner may read them, and none is ever half written or overwritten by mistake.
public enum KeyFile {
    /// Reads a file that nobody but its owner may read or change (mode 0600 or 0400), see
    /// ``isPrivate(mode:owner:reader:)``.
    ///
    /// - Parameter limit: How many bytes it may have.
    public static func readPrivate(_ path: String, limit: Int = 1 << 16) throws(KeyFileError) -> [UInt8] {
        try read(path, limit: limit, isPrivate: true)
    }

    /// Reads a file that anybody may read.
    ///
    /// - Parameter limit: How many bytes it may have.
    public static func readPublic(_ path: String, limit: Int = 1 << 20) throws(KeyFileError) -> [UInt8] {
        try read(path, limit: limit, isPrivate: false)
    }

    /// Writes a file that did not exist, for its owner only (mode 0600).
    public static func createPrivate(_ path: String, _ bytes: [UInt8]) throws(KeyFileError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            guard errno == EEXIST else { throw unwritable(path) }
            throw KeyFileError(
                code: .exists,
                sentence: "The file '\(path)' exists already; a key is never overwritten: name another file."
            )
        }
        try finish(file, bytes, mode: 0o600, at: path, named: path)
    }

    /// Writes a file whole or not at all, in place of the one that may be there.
    ///
    /// - Parameter mode: Who may read it; 0600 for its owner only.
    public static func replace(_ path: String, _ bytes: [UInt8], mode: mode_t) throws(KeyFileError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unwritable(path) }
        try finish(file, bytes, mode: mode, at: temporary, named: path)
        guard rename(temporary, path) == 0 else {
            let error = unwritable(path)
            unlink(temporary)
            throw error
        }
    }

    private static func read(_ path: String, limit: Int, isPrivate: Bool) throws(KeyFileError) -> [UInt8] {
        // Without O_NONBLOCK a named pipe would be waited for.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw unreadable(path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw KeyFileError(
                code: .unreadable,
                sentence: "'\(path)' is not a file; it should be one that holds keys."
            )
        }
        if isPrivate { try check(status, path) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes.withUnsafeMutableBytes {
                Glibc.read(file, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if more < 0 && errno == EINTR { continue }
            guard more >= 0 else { throw unreadable(path) }
            guard more > 0 else { break }
            count += more
        }
        guard count <= limit else {
            throw KeyFileError(
                code: .tooLarge,
                sentence: "The file '\(path)' has more than the \(limit) bytes that a file of keys may have."
            )
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Whether only its owner may read and change a file.
    ///
    /// Of root's file the reader's group may read it, too: so Kubernetes mounts a Secret for a pod with an `fsGroup`.
    ///
    /// - Parameters:
    ///   - mode: The file's permissions.
    ///   - owner: Whose file it is.
    ///   - reader: Who reads it.
    public static func isPrivate(mode: mode_t, owner: uid_t, reader: uid_t) -> Bool {
        mode & (owner == 0 && reader != 0 ? 0o037 : 0o077) == 0
    }

    private static func check(_ file: stat, _ path: String) throws(KeyFileError) {
        let mode = file.st_mode & 0o777
        guard !isPrivate(mode: mode, owner: file.st_uid, reader: geteuid()) else { return }
        throw KeyFileError(
            code: .mode,
            sentence: "The file '\(path)' has the mode 0\(String(mode, radix: 8)); "
                + "only its owner may read it: 'chmod 600 \(path)'."
        )
    }

    private static func finish(
        _ file: Int32,
        _ bytes: [UInt8],
        mode: mode_t,
        at path: String,
        named name: String
    ) throws(KeyFileError) {
        defer { close(file) }
        var count = 0
        while count < bytes.count {
            let more = bytes.withUnsafeBytes { write(file, $0.baseAddress?.advanced(by: count), $0.count - count) }
            if more < 0 && errno == EINTR { continue }
            guard more > 0 else { break }
            count += more
        }
        guard count == bytes.count, fchmod(file, mode) == 0, fsync(file) == 0 else {
            let error = unwritable(name)
            unlink(path)
            throw error
        }
    }

    private static func unreadable(_ path: String) -> KeyFileError {
        let reason = String(cString: strerror(errno))
        return KeyFileError(
            code: errno == ENOENT ? .missing : .unreadable,
            sentence: "The file '\(path)' cannot be read: \(reason)."
        )
    }

    private static func unwritable(_ path: String) -> KeyFileError {
        let reason = String(cString: strerror(errno))
        return KeyFileError(code: .unwritable, sentence: "The file '\(path)' cannot be written: \(reason).")
    }
}
