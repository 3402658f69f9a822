-- Before the ledger is kept by month, see V1012: what each step needs is short, so that nobody waits for long.
--
-- Steps have no foreign key any more: dropping a partition would lock the commands. A command's row is locked by who writes
-- its steps, and forgotten after they are gone; `slipway verify` looks for steps of no command.
set local datestyle = 'ISO';
set local timezone = 'UTC';
do $$
declare
    ending timestamptz;
begin
    -- Later than whatever is written before V1012.
    select date_trunc('month', greatest(max(at), now())) + interval '2 months'
        into ending from command_step;
    -- In the order in which workers take them.
    lock table command, command_step in access exclusive mode;
    alter table command_step drop constraint command_step_command_fkey;
    execute format('alter table command_step add constraint command_step_ends check (at < %L) not valid', ending);
end
$$;
