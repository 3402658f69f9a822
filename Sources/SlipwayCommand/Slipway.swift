import ArgumentParser

/// Where the program begins.
@main
enum Program {
    static func main() async {
        StandardOutput.leaveLineByLine()
        await Slipway.main()
    }
}

struct Slipway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway",
        abstract: "The command line of Slipway, the deployment pipeline.",
        discussion: """
            Exit codes: 0 done, 1 ended otherwise than asked, 2 rejected, 3 no answer in time, 64 wrong usage.
            What connects has flags and variables: --kafka-brokers is SLIPWAY_KAFKA_BROKERS.
            """,
        subcommands: [
            Demo.self, Broker.self, Migrate.self, TopicsCommand.self, Send.self, Overview.self, Deployments.self,
            Containers.self,
            Status.self,
            Explain.self, Logs.self, Audit.self, Doctor.self, Verify.self, Stuck.self, Parked.self, DeadLetters.self,
            Lag.self,
            Offsets.self,
            Recover.self, Keys.self, ClusterKey.self,
            FleetKeyCommand.self,
            KeyRingCommand.self, SealingKeysCommand.self, Seal.self, Token.self,
        ]
    )
}
