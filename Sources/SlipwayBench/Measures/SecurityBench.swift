import Foundation
import Identity
import Logging
import Sealing
import WorkerRuntime

/// What it costs to know who calls, and to keep a value confidential; one thread.
enum SecurityBench {
    static func run(count: Int) throws -> [Sample] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "slipway-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try tokens(count, in: folder) + sealing(count, in: folder)
    }

    private static func tokens(_ count: Int, in folder: URL) throws -> [Sample] {
        let keySet = folder.appending(path: "keys.json").path
        let issuer = try TokenIssuer.create(privateKey: folder.appending(path: "key.pem").path, keySet: keySet)
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let verifier = try TokenVerifier(.file(keySet), logger: logger)
        let moment: Int64 = 1_763_884_800_000_000
        let headers = try (0..<1000).map { number in
            "Bearer \(try issuer.token(for: "user-\(number)", issuer: "https://login.example", at: moment))"
        }
        let forgetful = try TokenVerifier(.file(keySet), settings: TokenSettings(remembered: 2), logger: logger)
        let first = try rate(count) { number in
            _ = try forgetful.verify(authorization: headers[number % headers.count], at: moment)
        }
        let again = try rate(count * 10) { number in
            _ = try verifier.verify(authorization: headers[number % headers.count], at: moment)
        }
        return [
            Sample("verify a token that was not seen before (ES256)", first, "tokens/s"),
            Sample("verify a token that is remembered", again, "tokens/s"),
        ]
    }

    private static func sealing(_ count: Int, in folder: URL) throws -> [Sample] {
        let secret = SecretBytes([UInt8](repeating: 65, count: 100))
        let place = Binding("shop", "staging", "database", "password")
        try SealingKeys.addKey(to: folder.appending(path: "fleet").path)
        let fleet = try SealingKeys.load(folder.appending(path: "fleet").path, of: .fleet)
        let field = try fleet.publicKey.seal(secret, for: place)
        let opened = try rate(count) { _ in _ = try fleet.open(field, for: place) }
        let sealed = try rate(count) { _ in _ = try fleet.publicKey.seal(secret, for: place) }
        try KeyRing.addKey(to: folder.appending(path: "ring").path)
        let ring = try KeyRing.load(folder.appending(path: "ring").path)
        let kept = try rate(count * 10) { _ in _ = try ring.decrypt(ring.encrypt(secret, for: place), for: place) }
        return [
            Sample("open a sealed field (100 B)", opened, "fields/s"),
            Sample("seal a field (100 B)", sealed, "fields/s"),
            Sample("encrypt a field at rest and decrypt it", kept, "fields/s"),
        ]
    }

    private static func rate(_ count: Int, _ body: (Int) throws -> Void) throws -> Double {
        let began = ContinuousClock.now
        for number in 0..<count { try body(number) }
        return Double(count) / (ContinuousClock.now - began).seconds
    }
}
