@testable import FleetCheck

/// What the clusters' own files show, whatever their agents said of it.
extension InvariantTests {
    /// The cluster that is there in the end.
    private static let present = 1

    static let effects = [
        Breach(.onceOnly, "a command that has two effects in one cluster") { _, history in
            var again = KeptCluster.Entry()
            again.effects = [SoundHistory.deed(SoundHistory.command, 1)]
            history.clusters[present].entries.append(again)
        },
        Breach(.onceOnly, "a command that is done twice at one moment") { _, history in
            history.clusters[present].entries[0].effects += [SoundHistory.deed(SoundHistory.command, 1)]
        },
        Breach(.onceOnly, "an older command's effect behind a newer one's") { _, history in
            addCommand("c-0", 0, to: &history)
            history.clusters[present].entries.append(effect("c-0", 0))
        },
        Breach(.onceOnly, "an older command's effect behind a newer one that found nothing to change") { _, history in
            addCommand("c-2", 2, to: &history)
            addCommand("c-3", 3, to: &history)
            var nothing = KeptCluster.Entry()
            nothing.marks = [SoundHistory.deed("c-3", 3)]
            history.clusters[present].entries += [nothing, effect("c-2", 2)]
        },
        Breach(.onceOnly, "an older command that is marked as the newest") { _, history in
            addCommand("c-2", 2, to: &history)
            history.clusters[present].entries.insert(effect("c-2", 2), at: 1)
        },
        Breach(.onceOnly, "an effect of a command that nobody has given") { _, history in
            history.clusters[present].entries.append(effect("c-9", 9))
        },
        Breach(.onceOnly, "a command that is called applied and is not") { _, history in
            for place in history.clusters.indices {
                for entry in history.clusters[place].entries.indices {
                    history.clusters[place].entries[entry].effects = []
                    history.clusters[place].entries[entry].marks = []
                }
            }
        },
    ]

    static let clusters = [
        Breach(.convergence, "an object of a cluster that the database does not have") { _, history in
            history.clusters[present].entries[0].objects.append(SoundHistory.object("web-2", "u2"))
        },
        Breach(.convergence, "an object that the cluster does not have") { _, history in
            history.clusters[present].entries[1].removed.append(SoundHistory.object("web-1", "u1").id)
        },
        Breach(.convergence, "an object that has another life in the cluster") { _, history in
            history.clusters[present].entries[0].objects[1] = SoundHistory.object("web-1", "u7")
        },
        Breach(.convergence, "an object that is otherwise in the cluster") { _, history in
            var changed = KeptCluster.Entry()
            changed.objects = [SoundHistory.object("web-1", "u1", version: 2)]
            history.clusters[present].entries.append(changed)
        },
    ]

    private static func effect(_ command: String, _ generation: Int64) -> KeptCluster.Entry {
        var entry = KeptCluster.Entry()
        entry.effects = [SoundHistory.deed(command, generation)]
        return entry
    }

    /// A command of which nothing else is wrong.
    private static func addCommand(_ id: String, _ generation: Int64, to history: inout History) {
        var command = history.database.commands[0]
        (command.id, command.generation, command.source, command.request) = (id, generation, "/other", id)
        history.database.commands.append(command)
        history.database.steps.append(StoredStep(command: id, revision: 1, state: "succeeded", isLate: true))
    }
}
