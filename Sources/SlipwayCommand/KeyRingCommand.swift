import ArgumentParser
import Domain
import Foundation
import Postgres
import Sealing
import WorkerRuntime

struct KeyRingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key-ring",
        abstract: "The keys that encrypt confidential values at rest: the file of SLIPWAY_KEY_RING.",
        discussion: """
            To change the key: 'slipway key-ring add' puts a new one into the file, every worker is started anew with it,
            'slipway key-ring rotate' encrypts what is kept anew; then older keys may be taken out of the file.
            """,
        subcommands: [Add.self, Rotate.self]
    )

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a random key as the newest one, or make the file with its first key."
        )

        @Option(help: "The name of the key; random where it is left out.")
        var name: String?

        func run() throws {
            let path = try KeyRingCommand.path(Settings())
            let id = try KeyRingCommand.telling { () throws(SealingError) in try KeyRing.addKey(named: name, to: path) }
            print("The key '\(id)' is the newest of '\(path)'. Keep the file secret, and a copy of it safe.")
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypt what is kept confidential anew with the newest key."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let path = try KeyRingCommand.path(Settings())
            let ring = try KeyRingCommand.telling { () throws(SealingError) in try KeyRing.load(path) }
            let database = try connection.connect()
            defer { database.close() }
            func write(_ outcome: String) throws {
                let act = AuditEntry(act: "key-ring.rotate", subject: ring.newestKeyID, "key", outcome: outcome)
                try AuditLog.write(act, on: database)
            }
            try write("begun")
            let report: KeyRingRotation.Report
            do {
                report = try KeyRingRotation(keyRing: ring).run(on: database)
            } catch {
                // What was encrypted anew before stays so.
                try? write("failed")
                throw Self.told(error)
            }
            try write("done")
            print(
                "\(report.values) values of \(report.rows) rows were encrypted anew with the key '\(ring.newestKeyID)'."
            )
        }

        /// A refusal as the sentence that a user reads.
        private static func told(_ error: any Error) -> any Error {
            switch error {
            case let reason as Reason: StartError(reason.sentence)
            case let error as SealingError: StartError(error.sentence)
            default: error
            }
        }
    }

    private static func path(_ settings: Settings) throws(StartError) -> String {
        try settings.required("KEY_RING", meaning: "the path of the file of keys")
    }

    /// A fault of a file as the sentence that a user reads.
    private static func telling<T>(_ body: () throws(SealingError) -> T) throws(StartError) -> T {
        do throws(SealingError) {
            return try body()
        } catch {
            throw StartError(error.sentence)
        }
    }
}
