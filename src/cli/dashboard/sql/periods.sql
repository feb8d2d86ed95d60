-- The commitments in force on the last day before the page's, used or not, and where each ends at the rate so far.
CREATE TABLE page_periods AS
WITH months AS (SELECT c.*,
                       CASE WHEN c.period = 'month' THEN (c.term_start + (n.value::VARCHAR || ' months')::INTERVAL)::DATE ELSE c.term_start END AS period_start,
                       CASE WHEN c.period = 'month' THEN least((c.term_start + ((n.value + 1)::VARCHAR || ' months')::INTERVAL)::DATE, c.term_end) ELSE c.term_end END AS period_end
                FROM page_contracts AS c
                         JOIN generate_series(0, 1200) AS n ON n.value = 0 OR c.period = 'month'),
     current AS (SELECT * FROM months WHERE period_start < $as_of AND period_end >= $as_of),
     used AS (SELECT contract_id::VARCHAR                          AS contract_id,
                     period_start,
                     count(*)                                      AS dars,
                     sum(messages)                                 AS messages,
                     sum(credits)                                  AS credits,
                     sum(drawn_credits)                            AS drawn,
                     min(remaining_credits)                        AS remaining,
                     min(day) FILTER (WHERE remaining_credits = 0) AS ran_out_on
              FROM page_dars
              WHERE contract_id IS NOT NULL
              GROUP BY 1, 2),
     known AS (SELECT c.scenario,
                      c.org_id,
                      c.contract_id,
                      c.currency,
                      c.period,
                      c.period_start,
                      c.period_end,
                      c.committed_credits                                        AS commitment,
                      c.credit_price,
                      c.overage_price,
                      c.overage_block,
                      CASE WHEN c.overage_block > 0 THEN round(c.overage_price / c.overage_block, 6)::DECIMAL(18, 6) ELSE c.overage_price END AS overage_each,
                      c.dar_credits,
                      c.gen_ai_multiplier,
                      c.intent_analyzer_credits,
                      c.surcharge_mode,
                      c.collection,
                      coalesce(u.dars, 0)                                        AS dars,
                      coalesce(u.messages, 0)                                    AS messages,
                      coalesce(u.credits, 0)                                     AS credits,
                      coalesce(u.drawn, 0)                                       AS drawn,
                      coalesce(u.remaining, c.committed_credits)                 AS remaining,
                      u.ran_out_on,
                      (least($as_of, c.period_end) - c.period_start)::DECIMAL(9, 0) AS days,
                      (c.period_end - c.period_start)::DECIMAL(9, 0)             AS of_days
               FROM current AS c
                        LEFT JOIN used AS u ON u.contract_id = c.contract_id AND u.period_start = c.period_start)
SELECT *,
       round(credits::DECIMAL(20, 4) * of_days / days, 4)::DECIMAL(18, 4) AS at_end,
       CASE
           WHEN remaining > 0 AND commitment * days / nullif(credits, 0) < 1000000
               THEN period_start + ceil(commitment * days / nullif(credits, 0))::BIGINT
       END                                                                AS runs_out_on
FROM known;
