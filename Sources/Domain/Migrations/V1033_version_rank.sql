-- A text in whose order semantic versions stand, as version_order does, which older workers go on with. That one cuts numbers
-- of a pre-release at 12 digits, such as a time of 14; here the count of a number's digits stands before them.
create function version_rank(version text) returns text immutable strict parallel safe language sql return (
    select coalesce(
        (
            select lpad(v[1], 12, '0') || lpad(coalesce(v[2], '0'), 12, '0') || lpad(coalesce(v[3], '0'), 12, '0')
                || case when v[4] is null then '~' else '-' || (
                    select string_agg(
                        case when part ~ '^[0-9]+$' then '0' || lpad(length(digits)::text, 4, '0') || digits else '1' || part end,
                        '!' order by place)
                    from unnest(string_to_array(v[4], '.')) with ordinality as parts(part, place)
                    cross join lateral (select ltrim(part, '0') as digits) number) end
            from regexp_match(version_number(version),
                '^(\d{1,12})(?:\.(\d{1,12}))?(?:\.(\d{1,12}))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$') v
            where v is not null
        ),
        '!' || version) collate "C");

-- Finds the newest version of an artifact, releases before pre-releases.
create index version_newest_rank on version (artifact, (version_rank(version) !~ '~$'), version_rank(version) desc);
