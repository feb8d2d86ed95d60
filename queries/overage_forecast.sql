-- Where each period ends if use goes on as it has: credits at its end, the part above the commitment, and its cost.
-- The cost is that of further credits at the plain overage price, or of whole blocks; price tiers would make it less.
-- param as_of DATE = current_date  days before it are known
WITH used AS (SELECT org_id,
                     contract_id,
                     period_start,
                     period_end,
                     commitment,
                     currency,
                     sum(credits)                                        AS credits,
                     (least($as_of, period_end) - period_start)::DECIMAL(9, 0) AS days,
                     (period_end - period_start)::DECIMAL(9, 0)          AS of_days
              FROM ledger(as_of => $as_of)
              WHERE contract_id IS NOT NULL
              GROUP BY org_id, contract_id, period_start, period_end, commitment, currency),
     forecast AS (SELECT *,
                         round(credits::DECIMAL(20, 4) * of_days / days, 4)::DECIMAL(18, 4) AS at_end
                  FROM used)
SELECT f.org_id,
       f.contract_id,
       f.period_start,
       f.period_end,
       f.days                                    AS days_known,
       f.of_days                                 AS days_in_period,
       f.credits                                 AS credits_so_far,
       f.at_end                                  AS credits_at_end,
       f.commitment,
       greatest(f.at_end - f.commitment, 0)      AS overage_credits,
       round(CASE
                 WHEN c.overage_block IS NULL THEN greatest(f.at_end - f.commitment, 0) * c.overage_price
                 ELSE ceil(greatest(f.at_end - f.commitment, 0) / c.overage_block) * c.overage_price
             END, 2)::DECIMAL(20, 2)              AS overage_cost,
       f.currency
FROM forecast AS f
         JOIN contracts AS c
              ON c.contract_id = f.contract_id AND f.period_start >= c.term_start AND f.period_start < c.term_end
                  AND c.scenario IS NULL
ORDER BY f.org_id, f.contract_id, f.period_start;
