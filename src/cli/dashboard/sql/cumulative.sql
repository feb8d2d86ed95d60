-- The credits of the one commitment in force, week by week.
SELECT date_trunc('week', d.day)::DATE                                    AS week,
       least((date_trunc('week', d.day) + INTERVAL '7 days')::DATE, p.period_end, $as_of) AS until,
       sum(d.credits)                                                     AS credits
FROM page_dars AS d
         JOIN page_periods AS p ON p.contract_id = d.contract_id::VARCHAR AND p.period_start = d.period_start
GROUP BY week, until
ORDER BY week;
