import Foundation
import Postgres

/// A database that goes, and a network before it that fails.
extension FaultPlayer {
    func playDatabase(_ fault: Fault) throws -> String {
        switch fault {
        case .databaseRestart: return try restart()
        case .backendsTerminated: return "\(try world.server.terminateSessions(of: ChaosWorld.databaseName)) backends"
        case .connectionsUsedUp:
            do {
                let held = try world.server.useUpConnections(of: ChaosWorld.databaseName, for: .seconds(4))
                return "\(held) of 80 for 4 s"
            } catch {
                throw NotPlayed("no connection was free: \(error)")
            }
        case .lockedRow: return try lockRow()
        case .refusedRows: return try refuseRows()
        case .diskFull: return try fillDisk()
        case .databaseCut:
            world.proxy.cut()
            return "every connection"
        case .databaseUnreachable:
            world.proxy.setRefusing(true)
            wait(4)
            world.proxy.setRefusing(false)
            return "for 4 s"
        case .databaseSlow:
            world.proxy.setDelay(0.1)
            wait(5)
            world.proxy.setDelay(0)
            return "0.1 s more each way for 5 s"
        case .databaseStalled:
            world.proxy.setStalled(true)
            wait(4)
            world.proxy.setStalled(false)
            return "no byte passes for 4 s"
        default: return try dropCommitAnswers()
        }
    }

    private func restart() throws -> String {
        try world.server.restart(immediate: true)
        return "as after a crash"
    }

    /// Holds a row that every batch about it needs, in a transaction that then does nothing.
    private func lockRow() throws -> String {
        let connection = try world.database()
        defer { connection.close() }
        let group = random.pick(["deployment-worker", "agent-worker", "resource-worker"])
        let project = random.pick(LoadPlace.projects)
        try connection.script("begin")
        let locked = try connection.query(
            """
            with claim as (
                select from partition_claim where consumer_group like '%' || $1 and consumed > 0
                order by consumed desc limit 1 for update
            ), place as (select from environment where project = $2 order by environment limit 1 for update)
            select (select count(*) from claim), (select count(*) from place)
            """,
            [.text(group), .text(project)]
        ).only()
        guard try locked.int64(0) == 1, try locked.int64(1) == 1 else { throw NotPlayed("there was no row to lock") }
        wait(8)
        try connection.script("rollback")
        return "a partition of \(group) and an environment of \(project) for 8 s"
    }

    private func dropCommitAnswers() throws -> String {
        let before = world.proxy.droppedAnswers
        world.proxy.dropAnswers(toCommits: 6)
        let limit = ContinuousClock.now + .seconds(5)
        while world.proxy.droppedAnswers < before + 6, ContinuousClock.now < limit { wait(0.02) }
        world.proxy.dropAnswers(toCommits: 0)
        guard world.proxy.droppedAnswers > before else { throw NotPlayed("no transaction was committed") }
        return "\(world.proxy.droppedAnswers - before) transactions were committed and nobody told"
    }

    /// Has PostgreSQL say of every write of a lane what it says when its disk is full.
    private func fillDisk() throws -> String {
        let connection = try world.database()
        defer { connection.close() }
        try connection.script(
            """
            create or replace function chaos_full() returns trigger language plpgsql as $$
            begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
            create trigger chaos_full before insert or update on partition_claim
                for each statement execute function chaos_full();
            """
        )
        wait(4)
        try connection.script("drop trigger chaos_full on partition_claim")
        return "no lane could write for 4 s"
    }

    /// Lets the database refuse every row about some subjects, so that their keys are parked and go on later.
    private func refuseRows() throws -> String {
        let project = random.pick(LoadPlace.projects)
        let connection = try world.database()
        defer { connection.close() }
        try connection.script(
            """
            create or replace function chaos_refuse() returns trigger language plpgsql as $$
            begin raise exception 'refused for a while' using errcode = 'P0001'; end $$;
            create trigger chaos_refuse before insert on command for each row
                when (new.project = '\(project)') execute function chaos_refuse();
            """
        )
        let number = random.number(0...999_999)
        load.send(
            (0..<5).map {
                .request(
                    "project.update",
                    key: project,
                    id: "w\(world.seed)-\(number)-\($0)",
                    #"{"project":"\#(project)","name":"waits \#($0)"}"#
                )
            }
        )
        wait(5)
        try connection.script("drop trigger chaos_refuse on command")
        return "commands of \(project) for 5 s"
    }

    /// Whether a message that waited with its key was handled later; one that was given up then does not count.
    func hasReleased() throws -> Bool {
        let connection = try world.database()
        defer { connection.close() }
        let released = try connection.query(
            """
            select coalesce(sum(released_applied + released_repeated + released_stale + released_rejected), 0)::bigint
            from partition_claim
            """
        ).only().int64(0)
        return released > 0
    }
}
