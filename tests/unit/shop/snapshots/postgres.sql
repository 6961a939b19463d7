SELECT count(*)::text,
    '0',
    coalesce(sum(('x' || left(md5(_row_text), 16))::bit(64)::bigint), 0)::text,
    coalesce(sum("id"), 0)::text, (count(*) - count("id"))::text,
    coalesce(sum("day" - date '1970-01-01'), 0)::text, (count(*) - count("day"))::text,
    coalesce(sum("amount"), 0)::text, (count(*) - count("amount"))::text,
    coalesce(sum((extract(epoch FROM "at") * 1000000)::bigint), 0)::text, (count(*) - count("at"))::text,
    coalesce(sum(octet_length("name")), 0)::text, (count(*) - count("name"))::text,
    coalesce(sum("open"::integer), 0)::text, (count(*) - count("open"))::text
FROM (SELECT *, concat_ws('|', coalesce("id"::text, '\N'), coalesce(("day" - date '1970-01-01')::text, '\N'), coalesce(round("amount", 2)::text, '\N'), coalesce((extract(epoch FROM "at") * 1000000)::bigint::text, '\N'), coalesce(replace(replace("name", '\', '\\'), '|', '\p'), '\N'), coalesce("open"::text, '\N')) AS _row_text FROM retail.t) AS rendered
