extension Verification {
    /// Commands, against the steps of the ledger.
    static let commandRules: [Rule] = [
        Rule(
            "a command's state is that of its newest step that was not late",
            """
            select c.id::text, 'the ledger says ' || coalesce(s.state, 'nothing') || ', the command ' || c.state
            from command c left join (
                select distinct on (command) command, state from command_step where not late order by command, revision desc
            ) s on s.command = c.id
            where s.state is distinct from c.state and not (s.state is null and c.created_at < (select ledger_begins()))
            """
        ),
        Rule(
            "a command's revision is that of its newest step",
            """
            select c.id::text, 'the ledger says ' || coalesce(max(s.revision)::text, 'nothing') || ', the command ' || c.revision
            from command c left join command_step s on s.command = c.id
            group by c.id having (max(s.revision) is distinct from c.revision
                    -- A recovery raises the numbers of what is open, and is no step.
                    and (c.revision - max(s.revision)) % \(Recovery.jump) is distinct from 0)
                and not (max(s.revision) is null and c.created_at < (select ledger_begins()))
            """
        ),
        Rule(
            "a step belongs to a command",
            """
            select s.command::text, 'step ' || s.revision || ' says ' || s.state || ', and there is no such command'
            from command_step s where not exists (select from command c where c.id = s.command)
            """
        ),
        Rule(
            "no terminal state is left",
            """
            select a.command::text, 'after ' || a.state || ' comes ' || b.state
            from command_step a join command_step b on b.command = a.command and b.revision > a.revision
            where not a.late and not b.late and a.state not in \(open)
            """
        ),
        Rule(
            "no command is open long after its deadline",
            """
            select id::text, 'it is ' || state || ', and its deadline was ' || deadline
            from command where state in \(open)
                and deadline < now() - interval '\(longAfter) seconds'
            """
        ),
        Rule(
            "a deployment ended as its command",
            """
            select d.command::text, 'the command is ' || c.state || ', the deployment ' || coalesce(d.outcome, 'open')
            from deployment d join command c on c.id = d.command
            where d.outcome is distinct from case
                when c.state in \(open) then null
                when c.reason_code = '\(AgentFailed.clusterIsFurther)' then d.outcome
                else c.state end
            """
        ),
    ]
}
