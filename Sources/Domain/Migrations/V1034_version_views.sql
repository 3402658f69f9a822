-- The views that tell the newest versions, by the order of V1033.

-- The newest version of each application: the newest release, or the newest pre-release where nothing else was published.
create or replace view application_newest as
select a.project, a.application, v.version, v.recorded_at, v.is_prerelease
from application a
left join lateral (
    select version, recorded_at, version_rank(version) !~ '~$' as is_prerelease from version
    where artifact = a.artifact
    order by version_rank(version) !~ '~$', version_rank(version) desc limit 1
) v on true;

create or replace view deployment_overview as
select a.project, a.application, a.version as newest_version, a.recorded_at as newest_at, e.environment, i.instance,
    i.running_version, i.desired_version, i.state, i.health,
    a.version is not null and version_rank(a.version) > version_rank(coalesce(i.running_version, i.desired_version))
        as update_available
from application_newest a
join environment e on e.project = a.project and e.state <> 'deleted'
left join instance i on i.environment_id = e.id and i.application = a.application and i.state <> 'deleted';
