-- Who decided what, when, on whose behalf, and how it ended. Kept by month, so that what is old enough is dropped with its
-- partition. No secret and no body of a message is ever in it.
create sequence audit_id;

create table audit (
    at timestamptz not null default clock_timestamp(),
    id bigint not null default nextval('audit_id'),
    -- The program that decided: a worker, or the command line.
    decided_by text not null,
    -- Who asked, as verified; null where nobody could tell.
    caller text,
    -- Whose permission counted, where a rule acted for somebody.
    on_behalf_of text,
    -- The request's name, such as instance.deploy, or an act of the command line, such as offsets.set.
    operation text not null,
    project text,
    environment text,
    subject_kind text,
    subject_name text,
    request_source text,
    request_id text,
    command uuid,
    -- accepted, rejected or planned for a request; the last state for a command; done for an act of the command line.
    outcome text not null,
    reason_code text,
    reason text,
    primary key (at, id)
) partition by range (at);
create index audit_place on audit (project, environment, at);
create index audit_caller on audit (caller, at);
create index audit_command on audit (command) where command is not null;

alter sequence audit_id owned by audit.id;

-- Where a line goes whose month has no partition yet, so that no decision ever fails for that.
create table audit_rest partition of audit default;

-- Makes the partitions of this month and of the next ones, and drops those whose last line is too old.
-- Returns how many it made and dropped. Safe to call at any time, by any number; one works, the others do nothing.
create function keep_audit_partitions(months_ahead int, keep interval) returns int language plpgsql as $$
declare
    month timestamptz;
    name text;
    old record;
    changed int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('slipway.audit')) then return 0; end if;
    for ahead in 0..months_ahead loop
        month := date_trunc('month', now(), 'UTC') + ahead * interval '1 month';
        -- A month's beginning in UTC, whatever the session's time zone adds to it.
        month := date_trunc('month', month + interval '12 hours', 'UTC');
        name := 'audit_' || to_char(month at time zone 'UTC', 'YYYY_MM');
        if to_regclass(name) is not null then continue; end if;
        execute format('create table %I (like audit including defaults including constraints)', name);
        execute format(
            'with moved as (delete from audit_rest where at >= %L and at < %L returning *) insert into %I select * from moved',
            month, date_trunc('month', month + interval '32 days', 'UTC'), name);
        execute format('alter table audit attach partition %I for values from (%L) to (%L)',
            name, month, date_trunc('month', month + interval '32 days', 'UTC'));
        changed := changed + 1;
    end loop;
    for old in
        select c.relname, to_timestamp(substr(c.relname, 7), 'YYYY_MM') as begins
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'audit'::regclass and c.relname ~ '^audit_\d{4}_\d{2}$'
    loop
        if old.begins + interval '1 month 1 day' < now() - keep then
            execute format('drop table %I', old.relname);
            changed := changed + 1;
        end if;
    end loop;
    return changed;
end
$$;

select keep_audit_partitions(3, interval '100 years');
