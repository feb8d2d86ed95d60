-- The same history under each open reading of the plan: credits and money, and the difference to the bill as configured.
-- One reading is changed at a time. Charges of channels are the same in all and left out; the plan itself settles none.
-- param as_of DATE = current_date  the start of this day: a period that ends on it has ended
WITH lines AS (SELECT 0 AS no, 'as configured' AS reading, '' AS value, * FROM invoice_lines(as_of => $as_of, channel_charges => NULL)
               UNION ALL SELECT 1, 'relationship', 'consumer', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, relationship => 'consumer')
               UNION ALL SELECT 2, 'relationship', 'conversation', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, relationship => 'conversation')
               UNION ALL SELECT 3, 'surcharge_mode', 'add', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, surcharge_mode => 'add')
               UNION ALL SELECT 4, 'surcharge_mode', 'multiply', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, surcharge_mode => 'multiply')
               UNION ALL SELECT 5, 'gen_ai_rule', 'any', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, gen_ai_rule => 'any')
               UNION ALL SELECT 6, 'gen_ai_rule', 'first_message', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, gen_ai_rule => 'first_message')
               UNION ALL SELECT 7, 'gen_ai_rule', 'day_start', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, gen_ai_rule => 'day_start')
               UNION ALL SELECT 8, 'block_mode', 'ceil', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, contracts => (SELECT * REPLACE ('ceil' AS block_mode) FROM contracts))
               UNION ALL SELECT 9, 'block_mode', 'floor', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, contracts => (SELECT * REPLACE ('floor' AS block_mode) FROM contracts))
               UNION ALL SELECT 10, 'block_mode', 'prorate', * FROM invoice_lines(as_of => $as_of, channel_charges => NULL, contracts => (SELECT * REPLACE ('prorate' AS block_mode) FROM contracts))),
     bills AS (SELECT no,
                      reading,
                      value,
                      currency,
                      sum(CASE
                              WHEN line_type IN ('committed_usage', 'overage') THEN to_credits - from_credits
                              WHEN line_type = 'uncontracted' THEN quantity
                              ELSE 0 END) AS credits,
                      sum(amount)         AS amount
               FROM lines
               GROUP BY no, reading, value, currency)
SELECT b.reading,
       b.value,
       b.currency,
       b.credits,
       b.amount,
       b.credits - d.credits AS credits_difference,
       b.amount - d.amount   AS amount_difference
FROM bills AS b
         LEFT JOIN bills AS d ON d.no = 0 AND d.currency IS NOT DISTINCT FROM b.currency
ORDER BY b.no, b.currency;
