import Foundation
import Testing
import WorkerRuntime

@testable import Domain

/// The state machine of commands, cell by cell.
@Suite struct CommandTests {
    static let open: [CommandState] = [.accepted, .sent, .acknowledged, .applied]
    static let terminal: [CommandState] = [.succeeded, .failed, .timedOut, .superseded, .canceled]

    static let table: [(CommandState, CommandEvent, CommandStep)] = [
        (.accepted, .send, .moves(.sent)), (.sent, .send, .repeats), (.acknowledged, .send, .repeats),
        (.applied, .send, .repeats),
        (.accepted, .acknowledge, .moves(.acknowledged)), (.sent, .acknowledge, .moves(.acknowledged)),
        (.acknowledged, .acknowledge, .repeats), (.applied, .acknowledge, .repeats),
        (.accepted, .apply, .moves(.applied)), (.sent, .apply, .moves(.applied)),
        (.acknowledged, .apply, .moves(.applied)), (.applied, .apply, .repeats),
        (.accepted, .settle, .impossible), (.sent, .settle, .impossible), (.acknowledged, .settle, .impossible),
        (.applied, .settle, .moves(.succeeded)),
    ]

    @Test(arguments: table)
    func `each cell of the table`(state: CommandState, event: CommandEvent, step: CommandStep) {
        #expect(state.step(event) == step)
    }

    @Test(
        arguments: open,
        [
            (CommandEvent.fail, CommandState.failed), (.timeOut, .timedOut), (.supersede, .superseded),
            (.cancel, .canceled),
        ]
    )
    func `every open command can end`(state: CommandState, end: (CommandEvent, CommandState)) {
        #expect(state.step(end.0) == .moves(end.1))
    }

    @Test(arguments: terminal, CommandEvent.allCases)
    func `a terminal state is never left`(state: CommandState, event: CommandEvent) {
        #expect(state.isTerminal)
        #expect(state.step(event) == .late)
    }

    static func command(_ state: CommandState, now: Int64 = 0) -> Command {
        var command = Command(
            id: UUID(),
            operation: "instance.deploy",
            key: "shop/staging",
            subjectKind: "instance",
            subjectName: "web",
            caller: "/test",
            requestSource: "/test",
            requestID: "1",
            requestType: "slipway.instance.deploy.v1",
            createdAt: now,
            deadline: now + 1_800_000_000,
            timers: CommandTimers()
        )
        command.state = state
        command.cluster = "eu-1"
        command.revision = 3
        return command
    }

    @Test func `a late success is written to the ledger and moves nothing`() {
        var command = Self.command(.timedOut)
        let step = command.take(.settle, now: 5)
        #expect(step == LedgerStep(revision: 4, state: .succeeded, isLate: true, reason: nil))
        #expect(command.state == .timedOut)
    }

    @Test func `each step has its deadline, never past the whole command's`() {
        var command = Self.command(.sent)
        _ = command.take(.acknowledge, now: 1_000_000)
        #expect(command.stepDeadline == 301_000_000)
        _ = command.take(.apply, now: 1_700_000_000)
        #expect(command.stepDeadline == command.deadline)
        _ = command.take(.settle, now: 1_700_000_001)
        #expect(command.stepDeadline == nil)
    }

    @Test(arguments: [
        (CommandState.sent, AgentCondition.neverSeen, "agent_offline"), (.sent, .lost, "agent_offline"),
        (.sent, .connected, "not_acknowledged"), (.acknowledged, .connected, "not_applied"),
        (.applied, .connected, "not_ready"),
    ])
    func `a deadline names the step that is missing`(state: CommandState, agent: AgentCondition, code: String) {
        #expect(Self.command(state).missingStep(MissingEvidence(agent: agent)).code == code)
    }

    @Test func `a deadline names what is left, and the hook that still runs`() {
        var evidence = MissingEvidence(agent: .connected)
        evidence.hook = "migrate"
        let hook = Self.command(.acknowledged).missingStep(evidence)
        #expect(hook.code == "hook_running" && hook.sentence.contains("migrate"))
        evidence.left = 2
        var stop = Self.command(.applied)
        stop.instanceID = 1
        stop.operation = "instance.stop"
        stop.desired = Array(#"{"application":"web","version":"1.0.0","isStopped":true}"#.utf8)
        #expect(
            stop.missingStep(evidence).code == "pods_left" && stop.missingStep(evidence).sentence.contains("2 pods")
        )
        var delete = stop
        delete.operation = "instance.delete"
        #expect(delete.missingStep(evidence).code == "objects_left")
        evidence.left = 0
        #expect(stop.missingStep(evidence).sentence.hasPrefix("No pod is left"))
    }

    @Test func `a deadline says whether it is the step's, from its last progress, or the absolute limit`() {
        var command = Self.command(.applied)
        let evidence = MissingEvidence(agent: .connected)
        command.stepDeadline = command.deadline - 1
        #expect(command.missingStep(evidence).sentence.contains("within 600 s of their last progress"))
        command.stepDeadline = command.deadline
        #expect(command.missingStep(evidence).sentence.contains("absolute limit of 1800 s"))
    }

    @Test func `a release without objects succeeds with a word of warning`() {
        var command = Self.command(.applied)
        command.instanceID = 1
        command.objects = Array("[ ]".utf8)
        #expect(command.successWarning?.code == "no_objects")
        command.objects = Array(#"[{"kind":"Deployment"}]"#.utf8)
        #expect(command.successWarning == nil)
    }

    @Test func `Slipway's own delay times nobody out before its patience ends`() {
        var command = Self.command(.sent)
        command.stepDeadline = 60_000_000
        let behind = AgentView(MissingEvidence(agent: .connected), consumedUntil: 59_000_000)
        let read = AgentView(MissingEvidence(agent: .connected), consumedUntil: 60_000_000)
        #expect(DueCommand.decide(command, view: read, now: 59_999_999) == nil)
        #expect(DueCommand.decide(command, view: behind, now: 61_000_000) == nil)
        #expect(DueCommand.decide(command, view: read, now: 61_000_000)?.1?.code == "not_acknowledged")
        #expect(DueCommand.decide(command, view: behind, now: 660_000_000)?.1?.code == "slipway_behind")
    }

    @Test func `what is healthy has the time to settle, up to the absolute limit`() {
        var command = Self.command(.applied)
        (command.stepDeadline, command.deadline) = (600_000_000, 1_800_000_000)
        let view = AgentView(
            MissingEvidence(agent: .connected),
            consumedUntil: 2_000_000_000,
            shownUntil: 2_000_000_000,
            account: AgentAccount(completeSince: 0)
        )
        #expect(DueCommand.decide(command, view: view, now: 600_000_000)?.0 == .timeOut)
        command.windows.healthySince = 595_000_000
        #expect(command.presentDeadline == 605_000_000)
        #expect(DueCommand.decide(command, view: view, now: 604_000_000) == nil)
        command.deadline = 602_000_000
        #expect(DueCommand.decide(command, view: view, now: 602_000_000)?.0 == .timeOut)
        command.windows.healthySince = 100_000_000
        #expect(command.presentDeadline == 600_000_000)
    }

    @Test(
        arguments: [("900", nil, "less than 900"), ("60", "60", "less than 60"), ("3600", "7200", "less than 900")]
            as [(String, String?, String)]
    )
    func `a settling time in which nothing can be over is refused`(settle: String, total: String?, says: String) {
        var environment = ["SLIPWAY_SETTLE_SECONDS": settle]
        environment["SLIPWAY_DEADLINE_SECONDS"] = total
        let error = #expect(throws: StartError.self) { try CommandTimers(Settings(environment: environment)) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
        environment["SLIPWAY_SETTLE_SECONDS"] = "59"
        #expect(throws: Never.self) { try CommandTimers(Settings(environment: environment)) }
    }

    @Test(arguments: [(10, 5), (120, 60), (600, 60)])
    func `a request's own time leaves room to settle`(seconds: Int, settles: Int) {
        var timers = CommandTimers()
        timers.settle = 60
        timers.allow(seconds, for: "instance.deploy")
        #expect((timers.total, timers.settle) == (seconds, settles))
    }

    @Test func `a command settles after its time in good health, and fails after its time of failing`() {
        var command = Self.command(.applied)
        let evidence = MissingEvidence(agent: .connected)
        let account = AgentAccount(completeSince: 1_000_000, heardAt: 65_000_000)
        let view = AgentView(evidence, consumedUntil: nil, shownUntil: 65_000_000, account: account)
        command.windows.healthySince = 5_000_000
        #expect(DueCommand.decide(command, view: view, now: 14_999_999) == nil)
        #expect(DueCommand.decide(command, view: view, now: 15_000_000)?.0 == .settle)
        command.windows = CommandWindows()
        command.windows.failingSince = 5_000_000
        command.windows.failing = Reason(code: "image_pull", sentence: "No image.")
        #expect(DueCommand.decide(command, view: view, now: 64_999_999) == nil)
        #expect(DueCommand.decide(command, view: view, now: 65_000_000)?.1?.code == "image_pull")
    }

    @Test(
        arguments: [
            (14_999_999, 15_000_000, 1), (15_000_000, 14_999_999, 1), (nil, 15_000_000, 1), (15_000_000, nil, 1),
            (20_000_000, 20_000_000, nil), (16_000_000, 20_000_000, 17_000_000),
        ] as [(Int64?, Int64?, Int64?)]
    )
    func `good health is seen to last by what was read, of an agent that has told all and spoken since`(
        read: Int64?,
        heard: Int64?,
        completeSince: Int64?
    ) {
        var command = Self.command(.applied)
        command.windows.healthySince = 5_000_000
        let evidence = MissingEvidence(agent: .connected)
        let account = AgentAccount(completeSince: completeSince, heardAt: heard)
        let view = AgentView(evidence, consumedUntil: 20_000_000, shownUntil: read, account: account)
        #expect(DueCommand.decide(command, view: view, now: 20_000_000) == nil)
        command.timers.settle = 0
        #expect(DueCommand.decide(command, view: view, now: 20_000_000)?.0 == .settle)
    }
}
