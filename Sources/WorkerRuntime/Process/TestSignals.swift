import Foundation

extension TestSignal {
    private static let folder = ProcessInfo.processInfo.environment["SLIPWAY_TEST_SIGNALS"]

    /// Marks the point as reached, and waits while it is held.
    public func reach() {
        guard let folder = Self.folder else { return }
        let files = FileManager.default
        let mark = "\(folder)/reached.\(rawValue).\(ProcessInfo.processInfo.processIdentifier)"
        let hold = "\(folder)/hold.\(rawValue)"
        guard files.fileExists(atPath: hold) else { return }
        _ = files.createFile(atPath: mark, contents: nil)
        while files.fileExists(atPath: hold) {
            Thread.sleep(forTimeInterval: 0.01)
        }
    }
}
