-- What people and reports read; see docs/views.md. Columns are added, never taken away or given another meaning.

-- A text in whose order semantic versions stand: numbers by size, a pre-release before its release. What is no semantic version
-- stands before all that are.
create function version_order(version text) returns text immutable strict parallel safe language sql return (
    select coalesce(
        (
            select lpad(v[1], 12, '0') || lpad(coalesce(v[2], '0'), 12, '0') || lpad(coalesce(v[3], '0'), 12, '0')
                || case when v[4] is null then '~' else '-' || (
                    select string_agg(case when part ~ '^[0-9]+$' then '0' || lpad(part, 12, '0') else '1' || part end, '!' order by place)
                    from unnest(string_to_array(v[4], '.')) with ordinality as parts(part, place)) end
            from regexp_match(version_number(version),
                '^(\d{1,12})(?:\.(\d{1,12}))?(?:\.(\d{1,12}))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$') v
            where v is not null
        ),
        '!' || version) collate "C");

-- Finds the newest version of an artifact, releases before pre-releases.
create index version_newest on version (artifact, (version_order(version) !~ '~$'), version_order(version) desc);

-- Networks that lead to an instance, by name or by its application, and domains that lead to those.
create view instance_network as
select i.id as instance_id, n.id as network_id, n.name as network
from instance i
join environment_object n on n.environment_id = i.environment_id and n.kind = 'network' and n.state <> 'deleted'
where i.state <> 'deleted'
    and (coalesce(n.running_spec, n.spec) -> 'target' -> 'instances' ? i.instance
        or coalesce(n.running_spec, n.spec) -> 'target' ->> 'application' = i.application);

create view instance_domain as
select distinct n.instance_id, d.id as domain_id, d.name as domain, coalesce(d.running_spec, d.spec) ->> 'host' as host
from instance_network n
join instance i on i.id = n.instance_id
join environment_object d on d.environment_id = i.environment_id and d.kind = 'domain' and d.state <> 'deleted'
cross join lateral jsonb_array_elements(coalesce(d.running_spec, d.spec) -> 'paths') path
where path ->> 'network' = n.network;

-- What somebody else has changed or removed in the cluster, in words.
create function drifted(drift jsonb) returns text[] immutable parallel safe language sql return (
    select coalesce(array_agg(format('%s/%s %s', o ->> 'kind', o ->> 'name', o ->> 'change') order by place), '{}')
    from jsonb_array_elements(drift) with ordinality as objects(o, place));

create view instance_overview as
select e.project, e.environment, i.instance, i.application, i.running_version, i.desired_version, i.state, i.health,
    coalesce(i.reason, i.health_reason) as reason, i.pods_ready, i.pods_total, i.objects,
    array(select network from instance_network n where n.instance_id = i.id order by 1) as networks,
    array(select host from instance_domain d where d.instance_id = i.id order by 1) as domains,
    i.open_command, c.operation as open_operation, i.changed_at, drifted(i.drift) as drifted
from instance i
join environment e on e.id = i.environment_id
left join command c on c.id = i.open_command
where i.state <> 'deleted' and e.state <> 'deleted';

create view object_overview as
select e.project, e.environment, o.kind, o.name, o.state, o.reason_code, o.reason,
    case o.kind
        when 'network' then concat_ws(' ', coalesce(o.running_spec, o.spec) ->> 'type',
            (select string_agg(port ->> 'port', ',') from jsonb_array_elements(coalesce(o.running_spec, o.spec) -> 'ports') port))
        when 'domain' then coalesce(o.running_spec, o.spec) ->> 'host'
    end as summary,
    o.not_after as expires, o.open_command, o.changed_at, drifted(o.drift) as drifted
from environment_object o
join environment e on e.id = o.environment_id
where o.state <> 'deleted' and e.state <> 'deleted';

create view environment_overview as
select e.project, e.environment, e.display_name, g.name as "group", e.position, e.state, e.reason, e.cluster,
    k.state as agent, k.state = 'connected' as connected, e.namespace,
    i.instances, i.running, i.operating, i.failed, i.stopped, i.unhealthy, i.pods_ready, i.pods_total,
    o.networks, o.domains, o.certificates, o.config_maps, o.secrets, o.objects_failed,
    i.failed + o.objects_failed + case when e.state = 'failed' then 1 else 0 end as errors
from environment e
join cluster k on k.cluster = e.cluster
left join environment_group g on g.id = e.group_id
cross join lateral (
    select count(*)::int as instances, (count(*) filter (where state = 'running'))::int as running,
        (count(*) filter (where state = 'operating'))::int as operating,
        (count(*) filter (where state = 'failed'))::int as failed,
        (count(*) filter (where state = 'stopped'))::int as stopped,
        (count(*) filter (where state = 'running' and health not in ('healthy', 'progressing')))::int as unhealthy,
        coalesce(sum(pods_ready), 0)::int as pods_ready, coalesce(sum(pods_total), 0)::int as pods_total
    from instance where environment_id = e.id and state <> 'deleted'
) i
cross join lateral (
    select (count(*) filter (where kind = 'network'))::int as networks,
        (count(*) filter (where kind = 'domain'))::int as domains,
        (count(*) filter (where kind = 'certificate'))::int as certificates,
        (count(*) filter (where kind = 'config-map'))::int as config_maps,
        (count(*) filter (where kind = 'secret'))::int as secrets,
        (count(*) filter (where state in ('failed', 'expired')))::int as objects_failed
    from environment_object where environment_id = e.id and state <> 'deleted'
) o
where e.state <> 'deleted';

-- The newest version of each application: the newest release, or the newest pre-release where nothing else was published.
create view application_newest as
select a.project, a.application, v.version, v.recorded_at, v.is_prerelease
from application a
left join lateral (
    select version, recorded_at, version_order(version) !~ '~$' as is_prerelease from version
    where artifact = a.artifact
    order by version_order(version) !~ '~$', version_order(version) desc limit 1
) v on true;

create view deployment_overview as
select a.project, a.application, a.version as newest_version, a.recorded_at as newest_at, e.environment, i.instance,
    i.running_version, i.desired_version, i.state, i.health,
    a.version is not null and version_order(a.version) > version_order(coalesce(i.running_version, i.desired_version))
        as update_available
from application_newest a
join environment e on e.project = a.project and e.state <> 'deleted'
left join instance i on i.environment_id = e.id and i.application = a.application and i.state <> 'deleted';
