import ArgumentParser
import Domain
import Foundation
import Sealing
import WorkerRuntime

struct SealingKeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sealing-keys",
        abstract:
            "The fleet's private keys, to which senders seal what is confidential: the file of SLIPWAY_SEALING_KEYS.",
        subcommands: [Add.self, Show.self]
    )

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Add a random key as the newest one, or make the file; older keys go on opening what is under way."
        )

        func run() throws {
            let path = try SealingKeysCommand.path()
            do throws(SealingError) {
                let id = try SealingKeys.addKey(to: path)
                print("The key '\(id)' is the newest of '\(path)'. Keep the file secret.")
            } catch {
                throw StartError(error.sentence)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the public key, for senders.")

        func run() throws {
            guard let keys = try SealingKeys.load(Settings()) else {
                throw StartError("SLIPWAY_SEALING_KEYS is not set; it should hold the path of the file of keys.")
            }
            print(keys.publicKey.text)
        }
    }

    private static func path() throws(StartError) -> String {
        try Settings().required("SEALING_KEYS", meaning: "the path of the file of keys")
    }
}

struct Seal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal a confidential value, read from standard input, for one field of one object.",
        discussion: """
            printf %s 'the password' | slipway seal shop/staging/secret/database password
            printf %s 'the password' | slipway seal shop/application/web registry.password
            The result is what the field of a request holds; it opens for no other object and no other field.
            """
    )

    @Argument(
        help: """
            The object as project/environment/kind/name, such as shop/staging/secret/database, or an application as \
            project/application/name.
            """
    )
    var object: String
    @Argument(
        help: "The field: the key of a secret's value, or an application's registry.password or chart.password."
    )
    var field: String
    @Option(
        parsing: .unconditional,
        help: "The fleet's public key, as 'slipway sealing-keys show' prints it [SLIPWAY_SEALING_KEY]."
    )
    var key: String?

    /// What of an environment has something confidential.
    private static let kinds = ["secret", "certificate"]

    func run() throws {
        let parts = object.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isApplication = parts.count == 3 && parts[1] == "application"
        guard parts.count == 4 || isApplication, !parts.contains("") else {
            throw ValidationError(
                "'\(object)' should have the form project/environment/kind/name, or project/application/name."
            )
        }
        guard isApplication || Self.kinds.contains(parts[2]) else {
            throw ValidationError(
                "'\(parts[2])' in '\(object)' should be \(Self.kinds.joined(separator: " or ")): "
                    + "what is sealed for anything else is never opened."
            )
        }
        let text = try key ?? Settings().required("SEALING_KEY", meaning: "the fleet's public key")
        let value = SecretBytes(FileHandle.standardInput.readDataToEndOfFile())
        do throws(SealingError) {
            let publicKey = try SealingPublicKey.parse(text, of: .fleet)
            print(try publicKey.seal(value, for: Binding(parts: parts + [field])).text)
        } catch {
            throw StartError(error.sentence)
        }
    }
}
