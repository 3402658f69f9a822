import ArgumentParser
import FleetCheck
import Foundation

@main
struct SlipwayChaos: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway-chaos",
        abstract: "Run a whole fleet under load, make everything around it fail, and have the outcome judged.",
        discussion: """
            The same seed plays the same faults and sends the same load. Ends with what 'slipway-check judge' says.

            Every run plays the faults that make the rare situations, and a third of the others in its first five minutes: \
            three seeds that follow each other play them all.

            Exit codes: 0 every invariant held and every rare situation was seen; 1 an invariant is broken; 2 all held, \
            but a rare situation was not seen or a fault of the schedule could not be played, so that the run proves too \
            little ('--only' asks for no rare situations); 3 the run itself failed or could not be judged; 64 wrong usage.
            """
    )

    @Option(help: "For how many minutes faults are played.")
    var minutes = 5.0
    @Option(help: "What the faults and the load vary by.")
    var seed: UInt64 = 1
    @Option(help: "How many workers of each kind.")
    var workers = 2
    @Option(help: "How many requests a second, beside four probes.")
    var rate = 4.0
    @Option(help: "Only this fault; may be repeated.")
    var only: [String] = []
    @Option(help: "A promise that is broken on purpose: \(Mutant.allCases.map(\.rawValue).joined(separator: ", ")).")
    var mutant: Mutant?
    @Option(help: "The folder of another version's executables: 'rolling-restart' changes to it and back.")
    var other: String?
    @Option(help: "Where logs, record and messages are kept; a folder that goes with a run that went well by default.")
    var folder: String?
    @Flag(help: "Show the schedule and end.")
    var schedule = false

    func validate() throws {
        guard minutes > 0, (1...8).contains(workers), rate > 0, rate <= 1000 else {
            throw ValidationError("Minutes and rate should be above 0, and workers from 1 to 8.")
        }
        for worker in other == nil ? [] : FleetProcesses.workers {
            guard let other, !FileManager.default.isExecutableFile(atPath: "\(other)/\(worker)") else { continue }
            throw ValidationError("'--other \(other)' should be a folder with every worker; it has no '\(worker)'.")
        }
        for name in only where Fault(rawValue: name) == nil {
            let all = Fault.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'--only \(name)' should be one of \(all).")
        }
    }

    func run() throws {
        let faults = only.isEmpty ? Fault.allCases : only.compactMap(Fault.init(rawValue:))
        let plan = Schedule(seed: seed, minutes: minutes, faults: faults)
        guard !plan.entries.isEmpty else {
            throw ValidationError("'--minutes \(minutes)' is too short for any of the faults that are asked for.")
        }
        if schedule {
            for entry in plan.entries { print(String(format: "%6.1f s", entry.at), entry.fault.rawValue) }
            return
        }
        let run = ChaosRun(seed: seed, workers: workers, rate: rate, mutant: mutant, other: other, folder: folder)
        do {
            throw ExitCode(try run.run(plan, isWhole: only.isEmpty))
        } catch let error as ExitCode {
            throw error
        } catch {
            print("The run failed: \(error)")
            throw ExitCode(3)
        }
    }
}
