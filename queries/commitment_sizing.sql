-- What to commit to: the cost of every size of commitment on one organization's history, first for the year, then by month.
-- The second table checks itself: of commitments by the month, the cheapest is the least month's use that at least
-- (1 - price/overage) of the months do not exceed, a quantile of their use (`is_quantile`).
-- param org_id VARCHAR  whose history
-- param from DATE  its first day
-- param to DATE  the day after its last one, at most 366 later
-- param credit_price DECIMAL(18, 6)  offered for a committed credit
-- param overage_price DECIMAL(18, 6)  offered for a credit above
-- param growth DECIMAL(9, 4) = 1  use as if it had been that much larger
-- param largest BIGINT = 1000  the largest commitment shown
-- param step BIGINT = 100  from one to the next
SELECT committed_credits, used, unused, overage, total, is_best
FROM commitment_curve(
        (SELECT * FROM rated_dars(growth => $growth) WHERE org_id::VARCHAR = $org_id),
        (SELECT value::DECIMAL(18, 4) AS committed_credits,
                $credit_price         AS credit_price,
                $overage_price        AS overage_price
         FROM generate_series(0, $largest, $step)),
        from => $from,
        to => $to)
ORDER BY committed_credits;

WITH months AS (SELECT date_trunc('month', day)::DATE AS month, sum(credits) AS credits
                FROM rated_dars(growth => $growth)
                WHERE org_id::VARCHAR = $org_id AND day >= $from AND day < $to
                GROUP BY month),
     curve AS (SELECT c.credits                                                      AS committed_credits,
                      sum(c.credits * $credit_price
                          + greatest(m.credits - c.credits, 0) * $overage_price)     AS total,
                      sum(CASE WHEN m.credits <= c.credits THEN 1 ELSE 0 END)        AS months_within,
                      count(*)                                                       AS months
               FROM (SELECT DISTINCT credits FROM months) AS c
                        CROSS JOIN months AS m
               GROUP BY c.credits),
     enough AS (SELECT min(committed_credits) AS quantile
                FROM curve
                WHERE months_within::DECIMAL(9, 0) * $overage_price >= months::DECIMAL(9, 0) * ($overage_price - $credit_price))
SELECT committed_credits               AS committed_a_month,
       months_within,
       months,
       total,
       total = least_total             AS is_best,
       committed_credits = quantile    AS is_quantile
FROM curve
         CROSS JOIN (SELECT min(total) AS least_total FROM curve) AS least
         CROSS JOIN enough
ORDER BY committed_credits;
