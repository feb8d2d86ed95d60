-- What the next credit of each period costs, beside the average: 0 inside the commitment, the overage price above it.
-- Inside a begun block the next credit is paid already (0 under `ceil`). Where price tiers apply, that of the tier reached.
-- param as_of DATE = current_date  days before it count
WITH used AS (SELECT org_id,
                     contract_id,
                     period_start,
                     period_end,
                     commitment,
                     currency,
                     sum(credits)                          AS credits,
                     greatest(sum(credits) - commitment, 0) AS over,
                     sum(amount)                           AS amount
              FROM ledger(as_of => $as_of)
              WHERE contract_id IS NOT NULL
              GROUP BY org_id, contract_id, period_start, period_end, commitment, currency),
     tier AS (SELECT u.contract_id, u.period_start, max(t.from_credits) AS from_credits
              FROM used AS u
                       JOIN price_tiers AS t ON t.contract_id = u.contract_id AND t.from_credits <= u.over
              GROUP BY u.contract_id, u.period_start)
SELECT u.org_id,
       u.contract_id,
       u.period_start,
       u.period_end,
       u.credits,
       u.commitment,
       CASE WHEN u.credits > 0 THEN round(u.amount / u.credits, 6) END AS average_cost,
       CASE
           WHEN u.credits < u.commitment THEN 0
           WHEN t.price IS NOT NULL THEN t.price
           WHEN c.overage_block IS NULL THEN c.overage_price
           WHEN c.block_mode = 'prorate' THEN round(c.overage_price / c.overage_block, 6)
           WHEN c.block_mode = 'floor' THEN CASE WHEN (u.over + 1) % c.overage_block < 1 THEN c.overage_price ELSE 0 END
           ELSE CASE WHEN u.over % c.overage_block = 0 THEN c.overage_price ELSE 0 END
       END                                                             AS next_credit,
       u.currency
FROM used AS u
         JOIN contracts AS c
              ON c.contract_id = u.contract_id AND u.period_start >= c.term_start AND u.period_start < c.term_end AND c.scenario IS NULL
         LEFT JOIN tier AS reached ON reached.contract_id = u.contract_id AND reached.period_start = u.period_start
         LEFT JOIN price_tiers AS t ON t.contract_id = reached.contract_id AND t.from_credits = reached.from_credits
ORDER BY u.org_id, u.contract_id, u.period_start;
