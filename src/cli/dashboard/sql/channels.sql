-- Use by channel, that of a DAR's first message: the largest, and one row for all others.
WITH ranked AS (SELECT channel,
                       count(*)                                         AS dars,
                       sum(messages)                                    AS messages,
                       sum(credits)                                     AS credits,
                       row_number() OVER (ORDER BY sum(credits) DESC, channel) AS place
                FROM page_dars
                GROUP BY channel)
SELECT CASE WHEN place <= $top THEN coalesce(channel::VARCHAR, '(none)') END AS channel,
       min(place)                                                  AS place,
       count(*)                                                    AS members,
       sum(dars)                                                   AS dars,
       sum(messages)                                               AS messages,
       sum(credits)                                                AS credits
FROM ranked
GROUP BY least(place, $top + 1), 1
ORDER BY place;
