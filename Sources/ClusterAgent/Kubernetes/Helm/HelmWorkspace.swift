import Foundation
import Synchronization

/// Where an agent's process has a folder for each of its runs of helm.
///
/// A killed agent leaves its folders, with values and passwords in them. A process locks its own as long as it lives, by
/// which the next one knows what to remove.
final class HelmWorkspace: Sendable {
    private static let prefix = "slipway-helm-"
    private static let lockName = "lock"

    private let parent: URL
    /// The folder of this process, and the file by which it is locked.
    private let place = Mutex<(folder: URL, lock: Int32)?>(nil)

    init(in parent: URL = FileManager.default.temporaryDirectory) {
        self.parent = parent
    }

    deinit {
        guard let place = self.place.withLock({ $0 }) else { return }
        try? FileManager.default.removeItem(at: place.folder)
        close(place.lock)
    }

    /// This process's folder, which only this user can read; made when it is needed first, or is gone.
    func folder() throws -> URL {
        try place.withLock { place in
            if let place, FileManager.default.fileExists(atPath: place.folder.path) { return place.folder }
            if let gone = place { close(gone.lock) }
            place = nil
            let folder = parent.appendingPathComponent(Self.prefix + UUID().uuidString)
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            try Data().write(to: folder.appendingPathComponent(Self.lockName))
            // Another process that takes it for left behind has locked it this very moment: the next call makes another.
            guard let lock = Self.lock(folder) else { throw CocoaError(.fileWriteUnknown) }
            place = (folder, lock)
            return folder
        }
    }

    /// Removes what processes have left that live no more.
    func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(Self.prefix) {
            let folder = parent.appendingPathComponent(name)
            guard let lock = Self.lock(folder) else { continue }
            try? FileManager.default.removeItem(at: folder)
            close(lock)
        }
    }

    /// Locks a folder; `nil` where a living process has it.
    ///
    /// A program that this one starts does not keep the lock.
    private static func lock(_ folder: URL) -> Int32? {
        let file = open(folder.appendingPathComponent(lockName).path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            return nil
        }
        return file
    }
}
