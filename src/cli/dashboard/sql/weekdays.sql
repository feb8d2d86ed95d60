-- Use by day of the week, 0 is Sunday.
SELECT date_part('dow', day)::BIGINT AS weekday,
       count(DISTINCT day)           AS days,
       count(*)                      AS dars,
       sum(messages)                 AS messages,
       sum(credits)                  AS credits
FROM page_dars
GROUP BY weekday
ORDER BY weekday;
