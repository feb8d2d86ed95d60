-- Pay for use beside pay for seats: what each organization's invoice and its old seats cost, and where both are equal.
-- Seats are counted by the month in force on its first day. `break_even_dars` is how many relationships a seat must have
-- in a month for both to cost the same, at this history's cost for each.
-- param from DATE = NULL  first day, a first of a month
-- param to DATE = NULL  day after the last one
WITH history AS (SELECT coalesce($from, date_trunc('month', min(day))::DATE) AS first,
                        coalesce($to, (date_trunc('month', max(day)) + INTERVAL '1 month')::DATE) AS after
                 FROM dars()),
     months AS (SELECT DISTINCT date_trunc('month', d.day)::DATE AS month
                FROM dars() AS d
                         CROSS JOIN history AS h
                WHERE d.day >= h.first AND d.day < h.after),
     seat_cost AS (SELECT s.org_id,
                          s.currency,
                          sum(s.seats)                                     AS seat_months,
                          sum(s.seats::DECIMAL(12, 0) * s.seat_price)      AS cost
                   FROM seats AS s
                            JOIN months AS m ON m.month >= s.valid_from AND (s.valid_to IS NULL OR m.month < s.valid_to)
                   GROUP BY s.org_id, s.currency),
     use_cost AS (SELECT l.org_id, l.currency, count(*) AS dars, sum(l.credits) AS credits, sum(l.amount) AS cost
                  FROM ledger() AS l
                           CROSS JOIN history AS h
                  WHERE l.day >= h.first AND l.day < h.after AND l.currency IS NOT NULL
                  GROUP BY l.org_id, l.currency)
SELECT s.org_id,
       s.currency,
       s.seat_months,
       round(s.cost, 2)                       AS seat_cost,
       u.dars,
       u.credits,
       round(u.cost, 2)                       AS use_cost,
       round(s.cost - u.cost, 2)              AS saved_by_use,
       CASE
           WHEN u.cost > 0 THEN round((s.cost / s.seat_months::DECIMAL(12, 0))::DECIMAL(20, 6) / (u.cost / u.dars::DECIMAL(12, 0))::DECIMAL(20, 10), 1)
       END                                    AS break_even_dars
FROM seat_cost AS s
         LEFT JOIN use_cost AS u ON u.org_id = s.org_id AND u.currency = s.currency
ORDER BY s.org_id, s.currency;
