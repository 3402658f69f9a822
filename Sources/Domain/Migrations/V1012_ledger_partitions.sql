-- The ledger by month, so that what is old enough is dropped with its partition, and how partitions are kept.

-- The partitions of a table by time, and from when to when each goes; without the one for what has no other.
create function time_partitions(parent text) returns table (name text, begins timestamptz, ends timestamptz)
    stable language sql set datestyle to 'ISO' set timezone to 'UTC' as $$
    select c.relname::text,
        coalesce(substring(bound from 'FROM \(''([^'']+)''\)')::timestamptz, '-infinity'),
        coalesce(substring(bound from 'TO \(''([^'']+)''\)')::timestamptz, 'infinity')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) bound
    where i.inhparent = parent::regclass and bound <> 'DEFAULT'
$$;

-- Drops the partitions that ended longer ago than what is kept, and makes those of this month, of the next ones and of what has
-- none. The table is partitioned by its column "at"; <parent>_rest takes what has no partition, and new ones are like it.
-- Returns how many it made and dropped. Safe to call at any time, by any number; one works, the others do nothing.
-- Whoever reads locks the table before its partitions, so what locks the table comes first.
create function keep_partitions(parent text, months_ahead int, keep interval) returns int
    language plpgsql set datestyle to 'ISO' set timezone to 'UTC' as $$
declare
    rest text := parent || '_rest';
    month timestamptz;
    ending timestamptz;
    name text;
    old record;
    changed int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('slipway.' || parent)) then return 0; end if;
    for old in select p.name from time_partitions(parent) p where p.ends + interval '1 day' < now() - keep loop
        execute format('drop table %I', old.name);
        changed := changed + 1;
    end loop;
    for month in execute format(
        'select date_trunc(''month'', now()) + ahead * interval ''1 month'' from generate_series(0, $1) ahead
        union select date_trunc(''month'', at) from %I where date_trunc(''month'', at) + interval ''1 month 1 day'' >= now() - $2
        order by 1', rest)
        using months_ahead, keep
    loop
        ending := month + interval '1 month';
        if exists (select from time_partitions(parent) p where p.begins < ending and p.ends > month) then continue; end if;
        name := parent || '_' || to_char(month, 'YYYY_MM');
        execute format('create table %I (like %I including all)', name, rest);
        -- Nobody may add to what is moved.
        execute format('lock table %I in access exclusive mode', rest);
        execute format(
            'with moved as (delete from %I where at >= %L and at < %L returning *) insert into %I select * from moved',
            rest, month, ending, name);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, month, ending);
        changed := changed + 1;
    end loop;
    -- What no partition is made for any more, because it would be dropped at once.
    execute format('delete from %I where date_trunc(''month'', at) + interval ''1 month 1 day'' < now() - $1', rest) using keep;
    return changed;
end
$$;

-- As workers of the version before ask for it.
create or replace function keep_audit_partitions(months_ahead int, keep interval) returns int language sql as
    $$ select keep_partitions('audit', months_ahead, keep) $$;

set local datestyle = 'ISO';
set local timezone = 'UTC';
-- What was written before becomes one partition as it is: its rows are known to lie before its end, and its index stays.
alter table command_step rename to command_step_before;
create table command_step (like command_step_before including defaults) partition by range (at);
create table command_step_rest (like command_step_before including defaults, primary key (command, revision));
alter table command_step attach partition command_step_rest default;
do $$
declare
    ending timestamptz;
begin
    if not exists (select from command_step_before) then
        drop table command_step_before;
        return;
    end if;
    select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz into ending
        from pg_constraint where conname = 'command_step_ends' and conrelid = 'command_step_before'::regclass;
    execute format('alter table command_step attach partition command_step_before for values from (minvalue) to (%L)', ending);
end
$$;
select keep_partitions('command_step', 3, interval '100 years');

-- From when on the ledger has all steps.
create function ledger_begins() returns timestamptz stable language sql as
    $$ select coalesce(min(begins), '-infinity') from time_partitions('command_step') $$;
