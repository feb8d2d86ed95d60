-- Use by site: the largest, and one row for all others.
WITH ranked AS (SELECT site_id,
                       org_id::VARCHAR                                        AS org_id,
                       count(*)                                              AS dars,
                       sum(messages)                                         AS messages,
                       sum(credits)                                          AS credits,
                       row_number() OVER (ORDER BY sum(credits) DESC, site_id, org_id) AS place
                FROM page_dars
                GROUP BY site_id, org_id)
SELECT CASE WHEN place <= $top THEN site_id::VARCHAR END AS site_id,
       CASE WHEN place <= $top THEN org_id END           AS org_id,
       min(place)                                        AS place,
       count(*)                                          AS members,
       sum(dars)                                         AS dars,
       sum(messages)                                     AS messages,
       sum(credits)                                      AS credits
FROM ranked
GROUP BY least(place, $top + 1), 1, 2
ORDER BY place;
