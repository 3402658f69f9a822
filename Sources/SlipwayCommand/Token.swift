import ArgumentParser
import Foundation
import Identity

/// Keys and tokens of one's own, where no identity provider is at hand.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make keys and tokens for development; in operation an identity provider issues them.",
        subcommands: [TokenKeys.self, TokenCreate.self]
    )
}

struct TokenKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make a private key, and add its public part to the key set that SLIPWAY_TOKEN_KEYS names."
    )

    @Option(help: "The file of the private key, which must not exist.")
    var privateKey: String
    @Option(help: "The file of the key set; its other keys stay valid.")
    var keySet: String

    func run() throws {
        let issuer = try TokenIssuer.create(privateKey: privateKey, keySet: keySet)
        Terminal().line("made the key \(issuer.keyID)")
    }
}

struct TokenCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Print a token for somebody, such as for 'slipway send --token-file'."
    )

    @Option(help: "The file of the private key that 'slipway token keys' made.")
    var privateKey: String
    @Option(parsing: .unconditional, help: "Who the token is for: the subject.")
    var subject: String
    @Option(help: "How many seconds it is valid.")
    var seconds = 3600
    @Option(help: "Who issues it, where SLIPWAY_TOKEN_ISSUER asks for somebody.")
    var issuer: String?
    @Option(help: "For whom it is meant, where SLIPWAY_TOKEN_AUDIENCE asks for somebody.")
    var audience: String?

    func validate() throws {
        guard !subject.isEmpty else { throw ValidationError("'--subject' should not be empty.") }
        guard (1...315_360_000).contains(seconds) else {
            throw ValidationError("'--seconds \(seconds)' should be a number from 1 to 315360000, which are ten years.")
        }
    }

    func run() throws {
        let token = try TokenIssuer.load(privateKey: privateKey).token(
            for: subject,
            issuer: issuer,
            audience: audience,
            lifetime: .seconds(seconds),
            at: Int64(Date().timeIntervalSince1970 * 1_000_000)
        )
        Terminal().line(token)
    }
}
