-- Use by week, which begins on Monday.
SELECT date_trunc('week', day)::DATE AS week,
       count(DISTINCT day)           AS days,
       count(*)                      AS dars,
       sum(messages)                 AS messages,
       sum(credits)                  AS credits
FROM page_dars
GROUP BY week
ORDER BY week;
