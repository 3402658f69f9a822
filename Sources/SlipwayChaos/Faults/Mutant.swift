import ArgumentParser
import Postgres

/// A fleet that breaks a promise on purpose, to see that the checker notices: the database is made to work against it.
enum Mutant: String, CaseIterable, ExpressibleByArgument {
    /// Nothing is remembered of what was handled.
    case forgetfulInbox = "forgetful-inbox"
    /// Every lane may write, whoever owns the partition.
    case uncheckedFence = "unchecked-fence"
    /// Offsets are ahead of what was done, as where they are committed first and a crash follows.
    case offsetsFirst = "offsets-first"
    /// Rows leave the outbox unpublished, as where they are deleted before the acknowledgement and a crash follows.
    case deletedBeforeAcknowledged = "deleted-before-acknowledged"
    /// Partitions that were added are read before those from which keys came.
    case hastyPartitions = "hasty-partitions"
    /// Clusters forget what was done, and their agents do it again.
    case doneAgain = "done-again"

    /// Breaks the promise from now on.
    func begin(on connection: PostgresConnection) throws {
        switch self {
        case .forgetfulInbox:
            try connection.script(
                """
                create function chaos_forget() returns trigger language plpgsql as $$ begin return null; end $$;
                create trigger chaos_forget before insert on inbox for each row execute function chaos_forget();
                """
            )
        case .uncheckedFence:
            try connection.script(
                """
                create or replace function fence(consumer text, topics text[], partitions int[], epochs bigint[], offsets bigint[])
                returns timestamptz language sql as 'select clock_timestamp()'
                """
            )
        case .hastyPartitions:
            try connection.script(
                """
                create or replace function is_held_back(consumer text, of_topic text, of_partition int)
                returns boolean stable language sql as 'select false'
                """
            )
        case .offsetsFirst, .deletedBeforeAcknowledged, .doneAgain: break
        }
    }

    /// What happens to it every now and then.
    func strike(on connection: PostgresConnection) throws {
        switch self {
        case .forgetfulInbox, .uncheckedFence, .hastyPartitions, .doneAgain: break
        case .offsetsFirst:
            try connection.script(
                """
                update partition_claim set next_offset = next_offset + 1
                where topic like '%deployment.requests' and partition = 1
                """
            )
        case .deletedBeforeAcknowledged:
            try connection.script(
                "delete from outbox where id = (select min(id) from outbox_message where topic like '%results')"
            )
        }
    }
}
