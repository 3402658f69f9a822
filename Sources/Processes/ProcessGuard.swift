import Synchronization

/// Kills programs when this process is gone, whatever way it ended, SIGKILL too.
///
/// A shell that reads what this process writes learns from the kernel that nobody writes any more. For programs that
/// nobody else needs then: a broker or a fleet that was started for one run.
public final class ProcessGuard: Sendable {
    let lifeline: Lifeline
    let shell: ChildProcess
    private let isOver = Mutex(false)

    /// Starts the shell.
    ///
    /// - Parameters:
    ///   - folder: A folder that is removed when this process is gone; `nil` is none.
    ///   - other: What somebody else removes in it then; for its end half a minute is waited.
    /// - Throws: ``ChildProcess/StartError`` where there is no `/bin/sh`, or no descriptor is left.
    public init(removing folder: String? = nil, after other: String? = nil) throws(ChildProcess.StartError) {
        lifeline = try Lifeline()
        shell = try ChildProcess(
            ["/bin/sh", "-c", Self.script, "process-guard", folder ?? "", other ?? ""],
            input: lifeline.stream,
            output: .null,
            errors: .null
        )
        lifeline.handOver()
    }

    deinit { dismiss() }

    /// Has the program killed, with what it has started in its group, when this process is gone.
    ///
    /// Between the program's start and this call nobody guards it.
    public func add(_ process: ChildProcess) { lifeline.write("add \(process.id)") }

    /// Takes a program out that has ended: its id may become another's.
    public func remove(_ process: ChildProcess) { lifeline.write("remove \(process.id)") }

    /// Ends the guard and harms nobody; blocks for a moment.
    ///
    /// The second time nothing happens.
    public func dismiss() {
        isOver.withLock { isOver in
            guard !isOver else { return }
            isOver = true
            lifeline.write("dismiss")
            lifeline.cut()
            shell.wait()
        }
    }

    private static let script = """
        folder=$1 other=$2 all=
        while read -r order id; do
            case $order in
            add) all="$all $id" ;;
            remove)
                left=
                for one in $all; do [ "$one" = "$id" ] || left="$left $one"; done
                all=$left
                ;;
            dismiss) exit 0 ;;
            esac
        done
        for one in $all; do kill -KILL "-$one"; done
        [ -n "$folder" ] || exit 0
        looks=0
        while [ -n "$other" ] && [ -e "$other" ] && [ $looks -lt 300 ]; do
            looks=$((looks + 1))
            sleep 0.1
        done
        rm -rf -- "$folder"
        """
}
