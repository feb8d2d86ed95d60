-- What engagements of each kind cost and brought: cost, revenue, saving, and the return on each unit of cost.
-- A conversation with several kinds of outcome is one row of them together, so that its cost is there once. Conversations
-- without an outcome have none. Roi is (revenue + saving - cost) / cost.
-- param cost VARCHAR = 'amortised'  average, drawdown or amortised
SELECT coalesce(kinds, 'none')                       AS kinds,
       currency,
       count(*)                                      AS engagements,
       sum(outcomes)                                 AS outcomes,
       sum(credits)                                  AS credits,
       round(sum(amount), 2)                         AS cost,
       round(sum(amount) / count(*)::DECIMAL(12, 0), 4) AS cost_each,
       sum(revenue)                                  AS revenue,
       sum(saving)                                   AS saving,
       CASE
           WHEN sum(amount) > 0 THEN round(
                   (coalesce(sum(revenue), 0) + coalesce(sum(saving), 0) - sum(amount)::DECIMAL(24, 6)) / sum(amount)::DECIMAL(24, 6), 2)
       END                                           AS roi
FROM engagement_outcomes(cost => $cost)
GROUP BY kinds, currency
ORDER BY kinds, currency;
