-- What a command on an object asked for that ended without success: its agent may do it all the same, and then it is what the
-- cluster holds, whatever newer commands ask for. A row goes once the cluster is known to have done it or a newer one.
create table object_attempt (
    command uuid primary key references command on delete cascade,
    object_id bigint not null references environment_object,
    generation bigint not null,
    -- As in environment_object; null of a deletion.
    spec jsonb,
    confidential jsonb not null default '{}'
);
create index object_attempt_object on object_attempt (object_id);

-- What the cluster said of a certificate when it was ordered anew: uid and status of cert-manager's object. The same words
-- say nothing of the new order. Null where nothing was there.
alter table environment_object add column ordered_over jsonb;

-- An array, or null where a cluster says something else.
create function json_list(list json) returns json immutable strict parallel safe language sql
    return case when json_typeof(list) = 'array' then list end;

-- The columns from `missing` on are new: what it leads to or is served with and is not there, and how the cluster lets it be
-- reached.
create or replace view object_overview as
select e.project, e.environment, o.kind, o.name, o.state, o.reason_code, o.reason,
    case o.kind
        when 'network' then concat_ws(' ', coalesce(o.running_spec, o.spec) ->> 'type',
            (select string_agg(port ->> 'port', ',') from jsonb_array_elements(coalesce(o.running_spec, o.spec) -> 'ports') port))
        when 'domain' then coalesce(o.running_spec, o.spec) ->> 'host'
    end as summary,
    o.not_after as expires, o.open_command, o.changed_at, drifted(o.drift) as drifted,
    array(
        select 'network ' || (path ->> 'network') from jsonb_array_elements(coalesce(o.running_spec, o.spec) -> 'paths') path
        where o.kind = 'domain' and not exists (
            select from environment_object n
            where n.environment_id = o.environment_id and n.kind = 'network' and n.name = path ->> 'network' and n.state <> 'deleted')
        union
        select 'certificate ' || certificate from (values (coalesce(o.running_spec, o.spec) ->> 'certificate')) c(certificate)
        where o.kind = 'domain' and certificate is not null and not exists (
            select from environment_object n
            where n.environment_id = o.environment_id and n.kind = 'certificate' and n.name = certificate and n.state <> 'deleted')
        union
        select 'instance ' || instance
        from jsonb_array_elements_text(coalesce(o.running_spec, o.spec) -> 'target' -> 'instances') i(instance)
        where o.kind = 'network' and not exists (
            select from instance n
            where n.environment_id = o.environment_id and n.instance = i.instance and n.state <> 'deleted')
        order by 1) as missing,
    array(
        select coalesce(address ->> 'ip', address ->> 'hostname')
        from json_array_elements(json_list(r.object #> '{status,loadBalancer,ingress}')) address order by 1) as addresses,
    array(
        select (port ->> 'nodePort')::int from json_array_elements(json_list(r.object #> '{spec,ports}')) port
        where port ->> 'nodePort' is not null) as node_ports
from environment_object o
join environment e on e.id = o.environment_id
left join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.name = o.name and not r.gone
    and r.kind = case o.kind when 'network' then 'Service' when 'domain' then 'Ingress' end
where o.state <> 'deleted' and e.state <> 'deleted';
