-- Drops the partitions that ended longer ago than what is kept, and makes those of this month, of the next ones and of what has
-- none. The table is partitioned by its column "at"; <parent>_rest takes what has no partition, and new ones are like it.
-- It moves the lines of one month at a time, the newest first, since a call has a limit and others wait for it: there may be
-- more to do until it returns 0. Returns how many it made and dropped. Safe to call at any time, by any number; one works, the
-- others do nothing.
-- Whoever reads locks the table before its partitions, so what locks the table comes first.
create or replace function keep_partitions(parent text, months_ahead int, keep interval) returns int
    language plpgsql set datestyle to 'ISO' set timezone to 'UTC' as $$
declare
    rest text := parent || '_rest';
    month timestamptz;
    ending timestamptz;
    name text;
    old record;
    changed int := 0;
    moved bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('slipway.' || parent)) then return 0; end if;
    for old in select p.name from time_partitions(parent) p where p.ends + interval '1 day' < now() - keep loop
        execute format('drop table %I', old.name);
        changed := changed + 1;
    end loop;
    for month in execute format(
        'select date_trunc(''month'', now()) + ahead * interval ''1 month'' from generate_series(0, $1) ahead
        union select date_trunc(''month'', at) from %I where date_trunc(''month'', at) + interval ''1 month 1 day'' >= now() - $2
        order by 1 desc', rest)
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
        get diagnostics moved = row_count;
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, month, ending);
        changed := changed + 1;
        if moved > 0 then return changed; end if;
    end loop;
    -- What no partition is made for any more, because it would be dropped at once.
    execute format('delete from %I where date_trunc(''month'', at) + interval ''1 month 1 day'' < now() - $1', rest) using keep;
    return changed;
end
$$;
