import Foundation

/// One decoder under libFuzzer, which keeps the inputs that reach code no other has reached.
///
/// Only `make fuzz-coverage` builds it; SLIPWAY_FUZZ names the decoder, and the options are libFuzzer's, whose library
/// brings `main` and calls what is exported here.
private enum FuzzProgram {
    nonisolated(unsafe) static var read: FuzzTarget.Reader = { _ in }

    static func prepare() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let name = environment["SLIPWAY_FUZZ"], let target = FuzzTarget.all.first(where: { $0.name == name })
        else {
            print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
            exit(0)
        }
        read = try target.reader()
        // What fuzzing begins with, as files.
        guard let folder = environment["SLIPWAY_FUZZ_EXAMPLES"] else { return }
        for (number, input) in try target.corpus().enumerated() {
            try Data(input).write(to: URL(filePath: folder).appending(path: "example-\(number)"))
        }
    }
}

/// Is called once, before the first input.
@_cdecl("LLVMFuzzerInitialize")
public func prepareFuzzing(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    do { try FuzzProgram.prepare() } catch { fatalError("\(error)") }
    return 0
}

/// Is called with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func readFuzzed(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do { try FuzzProgram.read(Array(UnsafeBufferPointer(start: bytes, count: count))) } catch { fatalError("\(error)") }
    return 0
}
