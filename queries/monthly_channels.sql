-- Engagement credits of each site, channel and month. The channel of a relationship's day is that of its first message.
-- param from DATE = NULL  first day; all if not given
-- param to DATE = NULL  day after the last one
SELECT org_id,
       site_id,
       channel,
       date_trunc('month', day)::DATE AS month,
       count(*)                       AS dars,
       sum(messages)                  AS messages,
       sum(credits)                   AS credits
FROM rated_dars()
WHERE ($from IS NULL OR day >= $from)
  AND ($to IS NULL OR day < $to)
GROUP BY org_id, site_id, channel, month
ORDER BY org_id, site_id, channel, month;
