-- The cost of a resolved conversation, by channel: what all conversations with a known outcome cost, over the resolved ones.
-- param cost VARCHAR = 'amortised'  average, drawdown or amortised
SELECT channel,
       currency,
       count(*)                                   AS conversations,
       count(*) FILTER (WHERE resolved)           AS resolved,
       round(sum(amount), 2)                      AS cost,
       CASE
           WHEN count(*) FILTER (WHERE resolved) > 0
               THEN round(sum(amount) / (count(*) FILTER (WHERE resolved))::DECIMAL(12, 0), 4)
       END                                        AS cost_per_resolved
FROM engagement_outcomes(cost => $cost)
WHERE resolved IS NOT NULL
GROUP BY channel, currency
ORDER BY channel, currency;
