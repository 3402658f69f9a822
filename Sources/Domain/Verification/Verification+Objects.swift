extension Verification {
    /// What environments hold beside instances, against its commands.
    static let objectRules: [Rule] = [
        openCommand(of: "object", in: "environment_object", by: "object_id", named: "o.kind || '/' || o.name"),
        Rule(
            "a network, domain, config map or secret is what its newest command has made of it",
            """
            select e.project || '/' || e.environment || '/' || o.kind || '/' || o.name,
                'the commands say ' || array_to_string(n.may_be, ' or ') || ', the object ' || o.state
            from environment_object o join environment e on e.id = o.environment_id
            cross join lateral (
                select c.created_at, \(objectStates) as may_be
                from command c where c.object_id = o.id order by c.generation desc limit 1
            ) n
            where o.kind <> 'certificate' and o.state <> all (n.may_be)
                and not (o.state = 'deleted' and \(wasEmptied("o.environment_id", since: "n.created_at")))
            """
        ),
        Rule(
            "a certificate is what its newest command and its time have made of it",
            """
            select e.project || '/' || e.environment || '/' || o.name,
                'the commands say ' || array_to_string(n.may_be, ' or ') || ', the certificate ' || o.state
            from environment_object o join environment e on e.id = o.environment_id
            cross join lateral (
                select c.created_at, \(certificateStates) as may_be
                from command c where c.object_id = o.id order by c.generation desc limit 1
            ) n
            where o.kind = 'certificate' and o.state <> all (n.may_be)
                and not (o.state = 'deleted' and \(wasEmptied("o.environment_id", since: "n.created_at")))
            union all
            select e.project || '/' || e.environment || '/' || o.name, 'it is ' || o.state || ', and ends ' || o.not_after
            from environment_object o join environment e on e.id = o.environment_id
            where o.kind = 'certificate' and (
                o.state = 'expired' and o.not_after > now()
                or o.state in ('active', 'expiring') and o.not_after < now() - interval '\(longAfter) seconds')
            """
        ),
        Rule(
            "what runs is what was asked for last",
            """
            select e.project || '/' || e.environment || '/' || o.kind || '/' || o.name,
                'it runs, and what is in the cluster is not what is wanted'
            from environment_object o join environment e on e.id = o.environment_id
            where o.state = 'running' and o.open_command is null and o.spec is distinct from o.running_spec
            """
        ),
        Rule(
            "of an object that is deleted nothing confidential is kept",
            """
            select e.project || '/' || e.environment || '/' || o.kind || '/' || o.name, 'it is deleted, and values are kept'
            from environment_object o join environment e on e.id = o.environment_id
            where o.state = 'deleted' and (o.confidential <> '{}' or o.running_confidential is not null)
            """
        ),
    ]

    /// SQL: what an object may be whose newest command is `c`; one that was done late may be as it left it.
    private static let objectStates = """
        case
            when c.state in \(open) then
                case when c.operation like '%.delete' then array['deleting'] else array['operating'] end
            when c.state = 'succeeded' then
                case when c.operation like '%.delete' then array['deleted'] else array['running'] end
            when c.state = 'canceled' then array['failed', 'running']
            else array['failed']
        end || case
            when c.state in \(open) or c.state = 'succeeded' or not \(wasDoneLate) then array[]::text[]
            when c.operation like '%.delete' then array['deleted'] else array['running']
        end || \(deletedBefore)
        """

    /// SQL: the same of a certificate, of which time makes more.
    private static let certificateStates = """
        case
            when c.state in \(open) then
                case when c.operation like '%.delete' then array['deleting'] else array['applying'] end
            when c.operation like '%.delete' and c.state = 'succeeded' then array['deleted']
            else array['active', 'expiring', 'expired', 'failed']
                || case when c.operation like '%.delete' and \(wasDoneLate) then array['deleted'] else array[]::text[] end
        end || \(deletedBefore)
        """

    /// SQL: that an object `o` may be gone whose newest command `c` was taken back: a deletion before it was done late.
    private static let deletedBefore = """
        case when c.state = 'canceled' and exists (
            select from command c where c.object_id = o.id and c.operation like '%.delete' and \(wasDoneLate)
        ) then array['deleted'] else array[]::text[] end
        """
}
