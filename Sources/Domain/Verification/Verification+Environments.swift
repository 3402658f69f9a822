extension Verification {
    /// Environments and clusters, against what was done to them and who spoke for them.
    static let environmentRules: [Rule] = [
        Rule(
            "an environment is what its newest command has made of it",
            """
            select e.project || '/' || e.environment,
                'the commands say ' || array_to_string(may.be, ' or ') || ', the environment ' || e.state
            from environment e
            cross join lateral (
                select operation, state, created_at from command
                where environment_id = e.id and subject_kind = 'environment' and operation in \(places)
                order by generation desc limit 1
            ) n
            cross join lateral (
                select exists (
                    select from command c
                    where c.environment_id = e.id and c.subject_kind = 'environment' and c.operation in \(places)
                        and (c.operation = 'environment.delete') = (n.operation = 'environment.delete') and \(wasDoneLate)
                ) as late
            ) word
            cross join lateral (
                -- Those of one batch have one time.
                select coalesce(
                    array_agg(distinct case operation when 'environment.disable' then 'disabled' else 'active' end),
                    array['active']) as be
                from command
                where environment_id = e.id and subject_kind = 'environment' and operation in \(switches) and state = 'succeeded' and created_at = (
                    select max(created_at) from command
                    where environment_id = e.id and subject_kind = 'environment' and operation in \(switches) and state = 'succeeded'
                        and created_at >= n.created_at)
            ) switched
            cross join lateral (
                select case
                    when n.operation = 'environment.delete' and n.state = 'succeeded' then array['deleted']
                    when n.operation = 'environment.delete' and word.late then array['deleting', 'deleted']
                    when n.operation = 'environment.delete' then array['deleting']
                    when n.state in \(open) then array['creating']
                    when n.state = 'succeeded' then switched.be
                    when n.state in ('failed', 'timed_out') and word.late then array['failed'] || switched.be
                    when n.state in ('failed', 'timed_out') then array['failed']
                end as be
            ) may
            where e.state <> all (may.be)
            """
        ),
        Rule(
            "what is in an environment that is deleted is deleted",
            """
            select e.project || '/' || e.environment || '/' || i.instance, 'its environment is deleted, the instance ' || i.state
            from environment e join instance i on i.environment_id = e.id
            where e.state = 'deleted' and i.state <> 'deleted'
            union all
            select e.project || '/' || e.environment || '/' || o.kind || '/' || o.name,
                'its environment is deleted, the object ' || o.state
            from environment e join environment_object o on o.environment_id = e.id
            where e.state = 'deleted' and o.state <> 'deleted'
            union all
            select e.project || '/' || e.environment || '/' || r.instance, 'its environment is deleted, and the rule is there'
            from environment e join auto_deploy_rule r on r.environment_id = e.id where e.state = 'deleted'
            """
        ),
        Rule(
            "an environment is connected as it was told that its cluster is",
            """
            select e.project || '/' || e.environment,
                'the agent of ' || k.cluster || ' is ' || k.state || ', the environment '
                    || case when e.connected then 'connected' else 'not connected' end
            from environment e join cluster k on k.cluster = e.cluster
            where e.state <> 'deleted' and k.state = k.told_state and e.connected <> (k.state = 'connected')
            """
        ),
        Rule(
            "a cluster's epoch is that of the boot that speaks for it, and the highest",
            """
            select k.cluster, 'the boots say ' || coalesce(b.epoch::text, 'nothing') || ', the cluster ' || k.epoch
            from cluster k left join lateral (
                select max(epoch) as highest, max(epoch) filter (where boot = k.boot) as epoch
                from agent_boot where cluster = k.cluster
            ) b on true
            where k.deleted_at is null and k.boot is not null and (b.epoch is distinct from k.epoch or b.highest > k.epoch)
            """
        ),
        Rule(
            "a cluster that is deleted holds no environment, and nobody speaks for it",
            """
            select k.cluster, 'it is deleted, and its agent ' || k.state
            from cluster k where k.deleted_at is not null and k.state <> 'unknown'
            union all
            select k.cluster, 'it is deleted, and holds ' || e.project || '/' || e.environment
            from cluster k join environment e on e.cluster = k.cluster
            where k.deleted_at is not null and e.state <> 'deleted'
            """
        ),
    ]

    /// Auto-deploy rules, against the commands that they asked for.
    static let ruleRules: [Rule] = [
        Rule(
            "a rule's newest firing stands as its command",
            """
            select e.project || '/' || e.environment || '/' || r.instance,
                'the command says ' || coalesce(c.state, 'nothing') || ', the rule ' || coalesce(r.last_command_state, 'nothing')
            from auto_deploy_rule r join environment e on e.id = r.environment_id
            left join command c on c.id = r.last_command
            where r.last_command is not null and case
                when c.id is null then coalesce(r.last_command_state, '') not in ('requested', 'rejected')
                when c.state in \(open) then r.last_command_state is distinct from 'requested'
                else r.last_command_state is distinct from c.state end
            """
        )
    ]

    private static let places = "('environment.create', 'environment.connect', 'environment.delete')"
    private static let switches = "('environment.disable', 'environment.enable')"
}
