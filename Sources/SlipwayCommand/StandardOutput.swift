// Alone in its file: only the first import that brings the C library counts for its `stdout`, which anybody may set.
@preconcurrency import Glibc

/// What the program tells whoever called it.
enum StandardOutput {
    /// Has each line leave when it is whole, into a file or a pipe too.
    ///
    /// Otherwise what a program prints that runs for long is not seen before its end.
    static func leaveLineByLine() {
        setvbuf(stdout, nil, _IOLBF, 0)
    }
}
