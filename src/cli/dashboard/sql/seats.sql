-- Whole months of use beside the seats in force on their first day, as in the report `seat_comparison`.
WITH used AS (SELECT org_id::VARCHAR AS org_id, currency, date_trunc('month', day)::DATE AS month, count(*) AS dars, sum(amount) AS amount
              FROM page_dars
              WHERE day < date_trunc('month', $as_of)::DATE
              GROUP BY 1, 2, 3),
     months AS (SELECT DISTINCT month FROM used),
     seat_cost AS (SELECT s.org_id, s.currency, count(DISTINCT m.month) AS months, sum(s.seats) AS seat_months,
                          sum(s.seats::DECIMAL(12, 0) * s.seat_price) AS seat_cost
                   FROM page_seats AS s
                            JOIN months AS m ON m.month >= s.valid_from AND (s.valid_to IS NULL OR m.month < s.valid_to)
                   WHERE $org IS NULL OR s.org_id = $org
                   GROUP BY s.org_id, s.currency),
     use_cost AS (SELECT org_id, currency, sum(dars) AS dars, sum(amount) AS use_cost FROM used GROUP BY org_id, currency)
SELECT s.currency,
       count(*)                      AS orgs,
       max(s.months)                 AS months,
       sum(s.seat_months)            AS seat_months,
       sum(s.seat_cost)              AS seat_cost,
       coalesce(sum(u.dars), 0)      AS dars,
       coalesce(sum(u.use_cost), 0)  AS use_cost
FROM seat_cost AS s
         LEFT JOIN use_cost AS u ON u.org_id = s.org_id AND u.currency = s.currency
GROUP BY s.currency
ORDER BY s.currency;
