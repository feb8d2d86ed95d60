-- Every plan in `contracts` side by side on the same use: what each scenario would bill, and the difference to the real one.
-- `replay_days` puts last year's use into next year (364 keeps the weekdays), `growth` makes it larger; blocks and price
-- tiers are billed as each plan has them. Only organizations with a plan; `uncontracted_credits` lie outside its terms.
-- param replay_days INT = 0  how much later the use falls
-- param growth DECIMAL(9, 4) = 1  how much larger it is
-- param as_of DATE = current_date  the start of this day: a period that ends on it has ended
WITH lines AS (SELECT *
               FROM invoice_lines(scenario => '*', replay_days => $replay_days, growth => $growth, as_of => $as_of)
               WHERE org_id IN (SELECT org_id FROM contracts WHERE scenario IS NOT NULL)),
     plans AS (SELECT org_id,
                      scenario,
                      max(currency) FILTER (WHERE line_type <> 'channel_charge')      AS currency,
                      sum(to_credits - from_credits) FILTER (WHERE line_type IN ('committed_usage', 'overage')) AS credits,
                      coalesce(sum(amount) FILTER (WHERE line_type IN ('commitment_fee', 'committed_usage')), 0) AS committed,
                      coalesce(sum(amount) FILTER (WHERE line_type = 'unused_commitment'), 0) AS unused,
                      coalesce(sum(amount) FILTER (WHERE line_type = 'overage'), 0)   AS overage,
                      coalesce(sum(amount) FILTER (WHERE line_type <> 'channel_charge'), 0) AS total,
                      sum(quantity) FILTER (WHERE line_type = 'uncontracted')         AS uncontracted_credits
               FROM lines
               GROUP BY org_id, scenario)
SELECT p.org_id,
       p.scenario,
       p.currency,
       p.credits,
       p.committed,
       p.unused,
       p.overage,
       p.total,
       p.total - r.total AS difference,
       p.uncontracted_credits
FROM plans AS p
         LEFT JOIN plans AS r ON r.org_id = p.org_id AND r.scenario IS NULL AND r.currency = p.currency
WHERE p.currency IS NOT NULL
ORDER BY p.org_id, p.scenario NULLS FIRST;
