import Postgres
import TestSupport
import Testing

/// What nobody could act on is refused at once, with what would be right.
@Suite(.ownThreads, .timeLimit(.minutes(15)))
struct WrongUsageTests {
    @Test(arguments: ["nothing=8", "deployment.requests", "deployment.requests=0", "deployment.requests=x"])
    func `a number of partitions is that of a topic`(value: String) throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", ["broker", "--partitions-of", value])
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains("'--partitions-of \(value)' should be a topic and a number"))
    }

    @Test(arguments: [
        (["overview", "nope"], "There is no project 'nope'."),
        (["overview", "--project", "nope", "--json"], "There is no project 'nope'."),
        (["deployments", "nope"], "There is no project 'nope'."),
        (["containers", "nope/staging"], "There is no environment 'nope/staging'."),
        (
            ["dlt", "list", "nope"],
            "nope.dlt'; dead letters have release.events, deployment.requests"
        ),
        (["topics", "check", "--partitions", "0"], "'--partitions 0' should be a number from 1 to 100000."),
        (["demo", "--scale", "0"], "'--scale 0' should be a number from 1 to 16."),
        (["migrate", "--outbox-shards", "0"], "'--outbox-shards 0' should be a number from 1 to 1024."),
        (["migrate", "--outbox-shards=-1"], "'--outbox-shards -1' should be a number from 1 to 1024."),
        (["migrate", "--outbox-shards", "1025"], "'--outbox-shards 1025' should be a number from 1 to 1024."),
        (["logs", "shop/staging/web", "--seconds", "0"], "'--seconds 0' should be a number from 1 to 3600."),
        (
            ["logs", "shop/staging/web", "--seconds", "9223372036854775807"],
            "'--seconds 9223372036854775807' should be a number from 1 to 3600."
        ),
        (["demo", "--limit", "0"], "'--limit 0' should be a number of seconds, at least 1."),
    ])
    func `a name that there is none of, or a number that cannot be, is no empty answer`(command: [String], says: String)
        throws
    {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", command)
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains(says), "\(process.output)")
    }

    @Test(arguments: [
        (["topics", "apply", "--partitions", "3000000000"], "'--partitions 3000000000' should be a number from 1 to"),
        (["topics", "apply", "--replication-factor", "0"], "'--replication-factor 0' should be a number from 1 to"),
        (["broker", "--partitions=-1"], "'--partitions -1' should be a number from 1 to 1000."),
        (["broker", "--brokers", "0"], "'--brokers 0' should be a number from 1 to 100."),
        (["cluster-key", "east", "--key-id", "0"], "'--key-id 0' should be a number, at least 1."),
        (["token", "create", "--private-key", "/none", "--subject", ""], "'--subject' should not be empty."),
        (
            ["token", "create", "--private-key", "/none", "--subject", "olga", "--seconds", "9223372036854775807"],
            "'--seconds 9223372036854775807' should be a number from 1 to 315360000"
        ),
        (["audit", "/staging"], "'/staging' should be a project or project/environment."),
        (["audit", "shop/"], "'shop/' should be a project or project/environment."),
        (["overview", "shop/staging", "--project", "pay"], "'shop' is not the project of '--project pay'"),
    ])
    func `a number that cannot be ends in a sentence, and an empty name in no other place`(
        command: [String],
        says: String
    ) throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", command)
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains(says), "\(process.output)")
    }

    @Test func `an empty name in a place does not make it another place`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script(
            """
            insert into cluster (cluster, name, state, created_at) values ('c', 'c', 'connected', now());
            insert into command (id, operation, cluster, key, subject_kind, subject_name, state, revision, caller,
                request_source, request_id, request_type, created_at, changed_at, deadline, step_seconds, settle_seconds,
                failure_seconds)
            values (gen_random_uuid(), 'instance.deploy', 'c', 'shop/web', 'instance', 'x', 'sent', 1, 'olga', '/s', '1', 't',
                now(), now(), now() + interval '1 hour', '{60,300,600}', 10, 60)
            """
        )
        #expect(try world.said("slipway", ["explain", "shop/web"]).contains("instance.deploy"))
        let process = try world.start("slipway", ["explain", "shop//web"])
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains("'shop//web' is no known command"), "\(process.output)")
    }

    @Test func `shards that a database does not get are not passed over`() throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", ["migrate", "--outbox-shards", "32"])
        #expect(try process.exitCode() == 1)
        #expect(process.output.contains("the outbox has 8 shards since the first run"), "\(process.output)")
        #expect(try world.said("slipway", ["migrate", "--outbox-shards", "8"]).contains("the database is up to date"))
        #expect(try world.said("slipway", ["migrate"]).contains("the database is up to date"))
    }

    @Test func `what could not be judged is not called different`() throws {
        let world = try FleetWorld(topics: [])
        try world.database.script("drop table command_step cascade")
        let process = try world.start("slipway", ["verify"])
        #expect(try process.exitCode() == 3)
        #expect(process.output.contains("The fleet cannot be judged: "), "\(process.output)")
    }

    @Test(arguments: [
        (["instance.deply"], "There is no request 'instance.deply'; it should be one of instance.configure"),
        (["instance.deploy.v1"], "There is no request 'instance.deploy.v1'; it should be one of instance.configure"),
        ([""], "There is no request ''; it should be one of application.create"),
        (["project.create", "--set", "owners:=[\"x\"]"], "'--set project=…' is missing"),
        (["cluster.delete"], "'--set cluster=…' is missing"),
        (["release.published", "--set", "version=1.0.0"], "'--set artifact=…' is missing"),
        (["project.create", "--set", "project=shop", "--id", ""], "'--source' and '--id' should not be empty"),
        (["project.create", "--set", "project=shop", "--wait=-1"], "'--wait -1' should be a number of seconds"),
        (
            ["project.create", "--set", "project=shop", "--purl", "pkg:oci/web@1"],
            "'project.create' has no package URL"
        ),
        (["artifact.published", "--purl", "pkg:oci/web@1", "--set", "a=b"], "'--purl' makes the whole event"),
    ])
    func `a request that is none is refused at once, with those that there are`(flags: [String], says: String) throws {
        let world = try FleetWorld(topics: [])
        let process = try world.start("slipway", ["send"] + flags)
        #expect(try process.exitCode() == 64)
        #expect(process.output.contains(says), "\(process.output)")
    }
}
