-- What the extra credits of each feature cost, at the contract's credit price, as in the report `feature_costs`.
WITH extras AS (SELECT contract_id, period_start, day, 'gen_ai' AS feature, gen_ai_credits AS credits FROM page_dars WHERE gen_ai
                UNION ALL
                SELECT contract_id, period_start, day, 'intent_analyzer', intent_analyzer_credits FROM page_dars WHERE intent_analyzer)
SELECT e.feature,
       c.currency,
       count(*)                        AS dars,
       sum(e.credits)                  AS credits,
       sum(e.credits * c.credit_price) AS cost
FROM extras AS e
         LEFT JOIN page_contracts AS c
                   ON c.contract_id = e.contract_id::VARCHAR AND e.day >= c.term_start AND e.day < c.term_end
GROUP BY e.feature, c.currency
ORDER BY e.feature, c.currency;
