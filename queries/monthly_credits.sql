-- Engagement credits of each site and month.
-- The month is that of the local day: each message is dated in its own site's time zone.
-- param from DATE = NULL  first day; all if not given
-- param to DATE = NULL  day after the last one
SELECT org_id,
       site_id,
       date_trunc('month', day)::DATE AS month,
       count(*)                       AS dars,
       sum(credits)                   AS credits
FROM rated_dars()
WHERE ($from IS NULL OR day >= $from)
  AND ($to IS NULL OR day < $to)
GROUP BY org_id, site_id, month
ORDER BY org_id, site_id, month;
