-- What generative AI and Intent Analyzer cost, and how much they must save: the extra credits of each, and the break-even.
-- `break_even_percent` is the share of relationships that a feature must keep from a human to pay for itself: its cost
-- for one of them over the cost of a conversation with a human. Priced at the contract's credit price.
-- param human_cost DECIMAL(18, 4) = 6.00  of one conversation with a human, in the contract's currency
WITH costs AS (SELECT d.org_id, c.currency, 'gen_ai' AS feature, c.credit_price, d.gen_ai_credits AS extra
               FROM rated_dars() AS d
                        JOIN contracts AS c
                             ON c.contract_id = d.contract_id AND d.day >= c.term_start AND d.day < c.term_end AND c.scenario IS NULL
               WHERE d.gen_ai
               UNION ALL
               SELECT d.org_id, c.currency, 'intent_analyzer', c.credit_price, d.intent_analyzer_credits
               FROM rated_dars() AS d
                        JOIN contracts AS c
                             ON c.contract_id = d.contract_id AND d.day >= c.term_start AND d.day < c.term_end AND c.scenario IS NULL
               WHERE d.intent_analyzer)
SELECT org_id,
       feature,
       currency,
       count(*)                            AS dars,
       sum(extra)                          AS extra_credits,
       round(sum(extra * credit_price), 2) AS extra_cost,
       round(sum(extra * credit_price) / count(*)::DECIMAL(12, 0), 4) AS extra_cost_each,
       round(sum(extra * credit_price) * 100 / count(*)::DECIMAL(12, 0) / $human_cost, 2) AS break_even_percent
FROM costs
GROUP BY org_id, feature, currency
ORDER BY org_id, feature;
