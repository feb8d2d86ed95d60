-- Use by month, and what its credits are made of.
SELECT date_trunc('month', day)::DATE AS month,
       count(*)                       AS dars,
       sum(messages)                  AS messages,
       sum(base_credits)              AS base_credits,
       sum(gen_ai_credits)            AS gen_ai_credits,
       sum(intent_analyzer_credits)   AS intent_analyzer_credits,
       sum(credits)                   AS credits
FROM page_dars
GROUP BY month
ORDER BY month;
