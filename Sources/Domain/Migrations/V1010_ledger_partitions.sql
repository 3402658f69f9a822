-- The ledger by month, so that what is old enough is dropped with its partition, and how partitions are kept.

-- The partitions of a table by time, and from when to when each goes; without the one for what has no other.
create function time_partitions(parent text) returns table (name text, begins timestamptz, ends timestamptz)
    stable language sql as $$
    select c.relname::text,
        coalesce(substring(bound from 'FROM \(''([^'']+)''\)')::timestamptz, '-infinity'),
        coalesce(substring(bound from 'TO \(''([^'']+)''\)')::timestamptz, 'infinity')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) bound
    where i.inhparent = parent::regclass and bound <> 'DEFAULT'
$$;

-- Makes the partitions of this month, of the next ones and of what has none, and drops those that ended longer ago than
-- what is kept. The table is partitioned by its column "at", and <parent>_rest takes what has no partition.
-- Returns how many it made and dropped. Safe to call at any time, by any number; one works, the others do nothing.
create function keep_partitions(parent text, months_ahead int, keep interval) returns int language plpgsql as $$
declare
    month timestamptz;
    ending timestamptz;
    name text;
    old record;
    changed int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('slipway.' || parent)) then return 0; end if;
    for month in execute format(
        'select (date_trunc(''month'', now() at time zone ''UTC'') + ahead * interval ''1 month'') at time zone ''UTC''
            from generate_series(0, $1) ahead
        union select date_trunc(''month'', at, ''UTC'') from %I order by 1', parent || '_rest') using months_ahead
    loop
        ending := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
        if exists (select from time_partitions(parent) p where p.begins < ending and p.ends > month) then continue; end if;
        name := parent || '_' || to_char(month at time zone 'UTC', 'YYYY_MM');
        execute format('create table %I (like %I including defaults including constraints)', name, parent);
        execute format(
            'with moved as (delete from %I where at >= %L and at < %L returning *) insert into %I select * from moved',
            parent || '_rest', month, ending, name);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, month, ending);
        changed := changed + 1;
    end loop;
    for old in select p.name from time_partitions(parent) p where p.ends + interval '1 day' < now() - keep loop
        execute format('drop table %I', old.name);
        changed := changed + 1;
    end loop;
    return changed;
end
$$;

-- As workers of the version before ask for it.
create or replace function keep_audit_partitions(months_ahead int, keep interval) returns int language sql as
    $$ select keep_partitions('audit', months_ahead, keep) $$;

-- What was written before becomes one partition up to the end of its month, and goes when all of it is old enough.
-- A step has no foreign key: dropping a partition would lock the commands. A command's row is locked by who writes its
-- steps, and forgotten after they are gone; `slipway verify` looks for steps of no command.
alter table command_step rename to command_step_before;
alter table command_step_before drop constraint command_step_command_fkey;
alter table command_step_before drop constraint command_step_pkey;
create table command_step (
    like command_step_before including defaults,
    -- The revision is enough to tell a command's steps apart; an index cannot say so over partitions.
    primary key (command, revision, at)
) partition by range (at);
create table command_step_rest partition of command_step default;
do $$
declare
    ended timestamptz;
begin
    select date_trunc('month', greatest(max(at), now()) + interval '32 days', 'UTC') into ended from command_step_before;
    if exists (select from command_step_before) then
        execute format('alter table command_step attach partition command_step_before for values from (minvalue) to (%L)', ended);
    else
        drop table command_step_before;
    end if;
end
$$;
select keep_partitions('command_step', 3, interval '100 years');

-- From when on the ledger has all steps.
create function ledger_begins() returns timestamptz stable language sql as
    $$ select coalesce(min(begins), '-infinity') from time_partitions('command_step') $$;
