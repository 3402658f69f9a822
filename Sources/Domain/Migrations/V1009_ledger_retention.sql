-- Commands that ended, by when: what is old is forgotten with its ledger.
create index command_ended on command (changed_at, id)
    where state in ('succeeded', 'failed', 'timed_out', 'superseded', 'canceled');
-- And what points at a command is looked for when it goes.
create index deployment_command on deployment (command);
