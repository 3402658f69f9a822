import Foundation
import Postgres
import TestSupport
import Testing

@testable import Domain
@testable import WorkerRuntime

/// What fails in a timekeeper's round keeps nothing else from its end.
@Suite struct RoundDutiesTests {
    private struct Failure: Error {}

    @Test func `a command that cannot be ended keeps no other one, and no other duty, from its end`() throws {
        let world = try CommandWorld.ready()
        for instance in ["web", "api"] { try world.deploy(instance: instance) }
        try world.connection.script(
            """
            update command set step_deadline = now() - interval '1 second' where state = 'sent';
            create function refuse() returns trigger language plpgsql as $$
            begin
                if new.subject_name = 'web' then raise exception 'not this one'; end if;
                return new;
            end $$;
            create trigger refuse before update on command for each row execute function refuse();
            update cluster set last_seen = now() - interval '1 hour' where cluster = 'c1'
            """
        )
        #expect(try world.passTime())
        #expect(try world.states("web").last?.hasPrefix("sent") == true)
        #expect(try world.states("api").last?.hasPrefix("timed_out") == true)
        #expect(try world.text("select state from cluster where cluster = 'c1'") == "lost")
        try world.connection.script("drop trigger refuse on command")
        try world.passTime()
        #expect(try world.states("web").last?.hasPrefix("timed_out") == true)
    }

    @Test func `a certificate that cannot be looked at keeps no command from its end`() throws {
        let world = try CommandWorld.ready()
        try world.deploy()
        try world.connection.script(
            """
            update command set step_deadline = now() - interval '1 second' where state = 'sent';
            alter table environment_object rename column not_before to hidden
            """
        )
        #expect(try world.passTime())
        #expect(try world.states("web").last?.hasPrefix("timed_out") == true)
    }

    @Test func `what has failed rests, while others of the same duty go on`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let duties = RoundDuties()
        #expect(try duties.attempt("duty", of: "1", on: connection) { () -> Bool in throw Failure() } == nil)
        #expect(
            try duties.attempt("duty", of: "1", on: connection) { () -> Bool in
                Issue.record("it rests")
                return true
            } == nil
        )
        #expect(try duties.attempt("duty", of: "2", on: connection) { true } == true)
        #expect(duties.resting("duty") == ["1"])
        #expect(duties.resting("another").isEmpty)
    }

    @Test func `a session that takes no writes ends the round, so that it is made anew`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        try connection.script("set default_transaction_read_only = on")
        let duties = RoundDuties()
        #expect(throws: PostgresError.self) {
            try duties.attempt("duty", on: connection) { try connection.query("delete from worker") }
        }
        #expect(duties.resting("duty").isEmpty)
    }

    @Test func `a connection that is gone ends the round, as does what the process cannot go on with`() throws {
        let connection = try TestDatabase.connect(try TestDatabase.make())
        let duties = RoundDuties()
        #expect(throws: StartError.self) {
            try duties.attempt("duty", on: connection) { () -> Bool in throw StartError("another database") }
        }
        #expect(throws: PostgresError.self) {
            try duties.attempt("duty", on: connection) {
                try connection.query("select pg_terminate_backend(pg_backend_pid())")
            }
        }
        #expect(duties.resting("duty").isEmpty)
    }
}
