-- The year that a commitment curve is made of.
SELECT coalesce(sum(credits), 0)        AS credits,
       coalesce($as_of - min(day), 0)   AS days
FROM page_dars
WHERE org_id::VARCHAR = $curve_org AND day >= $from;
