internal import Crypto
internal import Foundation
internal import KeyFile

/// The keys of a file: a line each with a name and 32 bytes in base64, the newest last; `#` begins a comment.
struct KeyList: Sendable {
    struct Entry: Sendable {
        let id: String
        let key: SecretBytes
    }

    /// At least one, the newest last.
    let entries: [Entry]

    /// Names of keys stand in the open, before what they encrypted.
    static func isName(_ id: some StringProtocol) -> Bool {
        (1...40).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    static func load(_ path: String) throws(SealingError) -> KeyList {
        let bytes: [UInt8]
        do throws(KeyFileError) {
            bytes = try KeyFile.readPrivate(path)
        } catch {
            throw SealingError(error)
        }
        return try read(bytes, of: path)
    }

    /// Adds a key as the newest one, or makes the file with its first key.
    static func add(_ entry: Entry, to path: String) throws(SealingError) {
        let line = entry.key.withUnsafeBytes { "\(entry.id) \(Data($0).base64EncodedString())\n" }
        var bytes: [UInt8]
        do throws(KeyFileError) {
            bytes = try KeyFile.readPrivate(path)
        } catch {
            guard error.code == .missing else { throw SealingError(error) }
            try write { () throws(KeyFileError) in try KeyFile.createPrivate(path, Array(line.utf8)) }
            return
        }
        guard !(try read(bytes, of: path).entries.contains { $0.id == entry.id }) else {
            throw SealingError(.keyFile, "The file '\(path)' has a key '\(entry.id)' already; choose another name.")
        }
        if let last = bytes.last, last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        try write { () throws(KeyFileError) in try KeyFile.replace(path, bytes + Array(line.utf8), mode: 0o600) }
    }

    private static func write(_ body: () throws(KeyFileError) -> Void) throws(SealingError) {
        do throws(KeyFileError) {
            try body()
        } catch {
            throw SealingError(error)
        }
    }

    static func read(_ bytes: [UInt8], of path: String) throws(SealingError) -> KeyList {
        var entries: [Entry] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
            if text.isEmpty || text.hasPrefix("#") { continue }
            let words = text.split(separator: " ")
            guard words.count == 2, isName(words[0]), let key = Data(base64Encoded: String(words[1])), key.count == 32
            else {
                throw SealingError(
                    .keyFile,
                    "Line \(index + 1) of the file '\(path)' should be a name of small letters, digits and '-', a space, "
                        + "and 32 bytes in base64."
                )
            }
            guard !entries.contains(where: { $0.id == words[0] }) else {
                throw SealingError(.keyFile, "Line \(index + 1) of the file '\(path)' has the name of an earlier key.")
            }
            entries.append(Entry(id: String(words[0]), key: SecretBytes(key)))
        }
        guard !entries.isEmpty else {
            throw SealingError(.keyFile, "The file '\(path)' holds no key; it should hold one.")
        }
        return KeyList(entries: entries)
    }
}
