extension Verification {
    /// Instances, against their commands and objects.
    static let instanceRules: [Rule] = [
        openCommand(of: "instance", in: "instance", by: "instance_id", named: "i.instance"),
        Rule(
            "an instance is operating as long as a command of it is open",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'it is ' || i.state || ', and ' || case when i.open_command is null then 'no command is open' else 'a command is open' end
            from instance i join environment e on e.id = i.environment_id
            where (i.state = 'operating') <> (i.open_command is not null)
            """
        ),
        Rule(
            "an instance's generation is not behind its commands'",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'the commands say ' || c.newest || ', the instance ' || i.generation
            from instance i join environment e on e.id = i.environment_id
            join (select instance_id, max(generation) newest from command group by 1) c on c.instance_id = i.id
            where c.newest > i.generation
            """
        ),
        Rule(
            "what runs was brought there by a command that succeeded, or that was applied and did not fail",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'generation ' || i.running_generation || ' should run, whose command is ' || coalesce(c.state, 'unknown')
            from instance i join environment e on e.id = i.environment_id
            left join command c on c.instance_id = i.id and c.generation = i.running_generation
            where i.running_generation is not null and i.state <> 'deleted'
                and c.state is distinct from 'succeeded'
                and not (c.state in ('superseded', 'canceled') and c.objects is not null)
                and c.reason_code is distinct from '\(AgentFailed.clusterIsFurther)'
                and not \(CommandStore.wasDoneLate("c"))
                and not coalesce(c.created_at < (select ledger_begins()), false)
            """
        ),
        Rule(
            "an instance is what its newest command has made of it, where that succeeded",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'the commands say ' || made.state || ', the instance ' || i.state
            from instance i join environment e on e.id = i.environment_id
            cross join lateral (
                select c.operation, c.state, c.desired, c.created_at from command c
                where c.instance_id = i.id order by c.generation desc limit 1
            ) n
            cross join lateral (
                select case
                    when n.operation = 'instance.delete' then 'deleted'
                    when (n.desired ->> 'isStopped')::boolean then 'stopped'
                    else 'running' end as state
            ) made
            where i.open_command is null and n.state = 'succeeded' and i.state <> made.state
                and not (i.state = 'deleted' and \(wasEmptied("i.environment_id", since: "n.created_at")))
            """
        ),
        Rule(
            "the version that runs is that of the command that brought it there",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'the command says ' || coalesce(v.version, 'none') || ', the instance ' || coalesce(i.running_version, 'none')
            from instance i join environment e on e.id = i.environment_id
            join command c on c.instance_id = i.id and c.generation = i.running_generation
            cross join lateral (
                select case when c.operation <> 'instance.delete' then c.desired ->> 'version' end as version
            ) v
            where i.state <> 'deleted'
                and (v.version is distinct from i.running_version or i.settled ->> 'version' is distinct from i.running_version)
            """
        ),
        Rule(
            "the version that is wanted is what a command asked for",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'wanted is ' || i.desired_version || coalesce(', and its open command asks for ' || o.version, '')
            from instance i join environment e on e.id = i.environment_id
            left join lateral (
                select c.desired ->> 'version' as version from command c where c.id = i.open_command
            ) o on true
            where i.state <> 'deleted' and i.desired is not null and (
                i.desired ->> 'version' is distinct from i.desired_version
                or o.version <> i.desired_version
                or i.settled ->> 'version' is distinct from i.desired_version and not exists (
                    select from command c
                    where c.instance_id = i.id
                        and (i.settled is null or c.generation >= coalesce(i.running_generation, 0))
                        and c.desired ->> 'version' = i.desired_version))
            """
        ),
        Rule(
            "of an instance that is deleted nothing runs",
            """
            select e.project || '/' || e.environment || '/' || i.instance,
                'it is deleted, and ' || coalesce('version ' || i.running_version, i.pods_total || ' pods') || ' should run'
            from instance i join environment e on e.id = i.environment_id
            where i.state = 'deleted' and (i.running_version is not null or i.open_command is not null)
            """
        ),
        Rule("an instance is as healthy as its objects", find: InstanceHealthCheck.breaches),
    ]

    /// What is under way at an instance or object, against the commands.
    static func openCommand(of what: String, in table: String, by column: String, named name: String) -> Rule {
        let alias = what.prefix(1)
        return Rule(
            "an \(what)'s open command is its newest that is open",
            """
            select e.project || '/' || e.environment || '/' || \(name),
                'the commands say ' || coalesce(c.id::text, 'none') || ', the \(what) ' || coalesce(\(alias).open_command::text, 'none')
            from \(table) \(alias) join environment e on e.id = \(alias).environment_id left join lateral (
                select id from command where \(column) = \(alias).id and state in \(open) order by generation desc limit 1
            ) c on true
            where c.id is distinct from \(alias).open_command
            """
        )
    }

    /// SQL: whether the environment was deleted, or its deletion was asked for, after a time: nothing in it is left then.
    static func wasEmptied(_ environment: String, since time: String) -> String {
        """
        exists (
            select from command d
            where d.environment_id = \(environment) and d.subject_kind = 'environment'
                and d.operation = 'environment.delete' and d.changed_at >= \(time))
        """
    }

    /// SQL: whether an agent said after a command `c` had ended that it had done it.
    ///
    /// The ledger's old months are forgotten: of what is older nobody knows, and then it counts as said.
    static let wasDoneLate = """
        (c.created_at < (select ledger_begins()) or \(CommandStore.wasDoneLate("c")))
        """
}
