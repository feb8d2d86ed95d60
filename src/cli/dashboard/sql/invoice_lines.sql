-- The lines of the periods in force, the dearest of each currency first, and one row a currency for all others.
WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY currency ORDER BY abs(amount) DESC, org_id, contract_id, line_no) AS place
                FROM page_lines
                WHERE is_current AND currency IS NOT NULL)
SELECT currency,
       CASE WHEN place <= $lines THEN org_id END       AS org_id,
       CASE WHEN place <= $lines THEN contract_id END  AS contract_id,
       CASE WHEN place <= $lines THEN period_start END AS period_start,
       CASE WHEN place <= $lines THEN period_end END   AS period_end,
       CASE WHEN place <= $lines THEN line_type END    AS line_type,
       CASE WHEN place <= $lines THEN channel END      AS channel,
       CASE WHEN place <= $lines THEN quantity END     AS quantity,
       CASE WHEN place <= $lines THEN unit END         AS unit,
       CASE WHEN place <= $lines THEN unit_price END   AS unit_price,
       min(place)                                      AS place,
       count(*)                                        AS members,
       sum(amount)                                     AS amount
FROM ranked
GROUP BY currency, least(place, $lines + 1), 2, 3, 4, 5, 6, 7, 8, 9, 10
ORDER BY currency, place;
