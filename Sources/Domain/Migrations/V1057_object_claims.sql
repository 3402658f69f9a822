-- By what the networks and domains of an environment are found that may stand in another one's way, whatever else the
-- environment holds: node ports and external addresses of networks; of domains the host, and the networks and the
-- certificate that they need. Of what is wanted and of what the last success left.
create function object_claims(environment bigint, kind text, wanted jsonb, running jsonb) returns text[]
    immutable parallel safe language sql return (
        select coalesce(array_agg(environment::text || '/' || claim.name || '/' || (value #>> '{}')), '{}')
        from (values
            ('network', 'node-port', '$.ports[*].nodePort'::jsonpath),
            ('network', 'external-ip', '$.externalIPs[*]'),
            ('domain', 'host', '$.host'),
            ('domain', 'network', '$.paths[*].network'),
            ('domain', 'certificate', '$.certificate')
        ) claim(of_kind, name, path)
        cross join (values (wanted), (running)) either(spec)
        cross join lateral jsonb_path_query(either.spec, claim.path) value
        where claim.of_kind = kind);

create index environment_object_claims on environment_object
    using gin (object_claims(environment_id, kind, spec, running_spec)) with (fastupdate = off) where state <> 'deleted';
