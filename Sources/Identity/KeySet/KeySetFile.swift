import Glibc
internal import KeyFile

/// A key set in a file, of which it costs a few microseconds to see whether it changed.
struct KeySetFile: KeySetOrigin {
    let path: String

    let pace = KeySetPace(renewal: .seconds(1), missingKey: .zero, retry: .seconds(1), renewsAside: false)

    func read(unless stamp: KeySetStamp?) throws(IdentityError) -> KeySetReading {
        let current = self.stamp()
        if let stamp, stamp == current { return .unchanged }
        do throws(KeyFileError) {
            // The stamp was taken before: if the file changes in between, the next look reads it again.
            return .document(try KeyFile.readPublic(path), current)
        } catch {
            throw IdentityError(.keySetUnreachable, error)
        }
    }

    /// `nil` for a file that changed in this second: it may change again and keep its stamp.
    private func stamp() -> KeySetStamp? {
        var status = stat()
        guard stat(path, &status) == 0, time(nil) - status.st_mtim.tv_sec > 1 else { return nil }
        return KeySetStamp(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            seconds: Int64(status.st_mtim.tv_sec),
            nanoseconds: Int64(status.st_mtim.tv_nsec)
        )
    }
}
