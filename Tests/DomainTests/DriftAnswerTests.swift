import Testing

@testable import Domain

/// What drift that was told of a command comes to, by what became of the commands after it.
@Suite struct DriftAnswerTests {
    static let cases: [(CommandState, Bool, LaterCommands, DriftAnswer)] = [
        (.succeeded, false, LaterCommands(), .repairable(.present)),
        (.succeeded, true, LaterCommands(), .repairable(.present)),
        (.failed, false, LaterCommands(), .repairable(.present)),
        (.timedOut, true, LaterCommands(), .repairable(.present)),
        (.succeeded, false, LaterCommands(exist: true), .repairable(.present)),
        (.superseded, false, LaterCommands(exist: true), .repairable(.present)),
        (.succeeded, true, LaterCommands(exist: true), .repairable(.running)),
        (.timedOut, true, LaterCommands(exist: true), .shown),
        (.succeeded, false, LaterCommands(exist: true, wereDeletions: true), .shown),
        (.succeeded, true, LaterCommands(exist: true, wereDeletions: true), .shown),
        (.succeeded, false, LaterCommands(exist: true, wereDone: true), .passed),
        (.succeeded, true, LaterCommands(exist: true, wereDone: true, wereDeletions: true), .passed),
    ]

    @Test(arguments: cases)
    func `drift of what is there is shown, and put back where what was there is known and wanted`(
        state: CommandState,
        isObject: Bool,
        later: LaterCommands,
        answer: DriftAnswer
    ) {
        #expect(DriftAnswer(toReportOn: state, isObject: isObject, later: later) == answer)
    }
}
