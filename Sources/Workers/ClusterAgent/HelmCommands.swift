import ArgumentParser
import ClusterAgent
import Foundation
import WorkerRuntime

/// What helm calls to have a release's objects marked.
struct PostRender: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "post-render",
        abstract: "Mark the objects of a release for helm; the agent has helm call it.",
        shouldDisplay: false
    )

    @Argument(help: "The folder that the agent has made for this command.")
    var folder: String

    func run() throws {
        let text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(try PostRenderer.run(text, folder: folder).utf8))
        } catch let error as ManifestError {
            StandardError.write("post-renderer: \(error.sentence)\n")
            throw ExitCode(1)
        }
    }
}

/// Runs helm so that it ends with the agent.
struct Guard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Run a program until the standard input ends; the agent runs helm under it.",
        shouldDisplay: false
    )

    @Argument(parsing: .postTerminator, help: "The program and its arguments, after '--'.")
    var command: [String] = []

    func run() throws {
        guard let program = command.first else { throw ValidationError("A program should be named after '--'.") }
        throw ExitCode(HelmGuard.run(program, Array(command.dropFirst())))
    }
}
