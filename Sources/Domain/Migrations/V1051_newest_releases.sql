-- The newest version of an artifact that is known to run an image, and the newest with a chart in a registry: a new
-- release is compared with them, among however many versions that have neither.
create index version_newest_image on version (artifact, (version_rank(version) !~ '~$'), version_rank(version) desc)
    where image <> '';
create index version_newest_chart on version (artifact, version_rank(version) desc)
    where chart_repository like 'oci://%' and chart_name is not null;
