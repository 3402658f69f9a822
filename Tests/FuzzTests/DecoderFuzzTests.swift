import Testing

/// No input ends a program: it is read, or refused with a reason.
@Suite struct DecoderFuzzTests {
    @Test(arguments: FuzzTarget.all)
    func `hostile input`(_ target: FuzzTarget) throws {
        #expect(try !target.corpus().isEmpty, "a decoder needs good inputs to begin with")
        try Fuzzing.run(target)
    }
}
