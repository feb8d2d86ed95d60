-- Use of each organization and week: relationships, messages and credits.
-- A week begins on Monday, counts local days, and may be cut by `from` and `to`.
-- param from DATE = NULL  first day; all if not given
-- param to DATE = NULL  day after the last one
SELECT org_id,
       date_trunc('week', day)::DATE AS week,
       count(DISTINCT day)           AS days,
       count(*)                      AS dars,
       sum(messages)                 AS messages,
       sum(consumer_messages)        AS consumer_messages,
       sum(agent_messages)           AS agent_messages,
       sum(bot_messages)             AS bot_messages,
       sum(credits)                  AS credits
FROM rated_dars()
WHERE ($from IS NULL OR day >= $from)
  AND ($to IS NULL OR day < $to)
GROUP BY org_id, week
ORDER BY org_id, week;
