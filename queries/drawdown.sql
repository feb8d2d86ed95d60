-- How far each commitment is drawn down, and the day on which it ran out or will at the present rate.
-- The rate is that of the days from the period's start up to `as_of` or the period's end. Periods without use are not shown.
-- param as_of DATE = current_date  days before it count
SELECT org_id,
       contract_id,
       period_start,
       period_end,
       commitment,
       sum(drawn_credits)                                                    AS used,
       min(remaining_credits)                                                AS remaining,
       CASE WHEN commitment > 0 THEN round(sum(drawn_credits) * 100 / commitment, 2) END AS percent,
       sum(overage_credits)                                                  AS overage,
       min(day) FILTER (WHERE remaining_credits = 0)                         AS ran_out_on,
       CASE
           WHEN min(remaining_credits) > 0 AND sum(credits) > 0 THEN period_start
               + ceil(commitment * (least($as_of, period_end) - period_start)::DECIMAL(9, 0) / sum(credits))::BIGINT
       END                                                                   AS runs_out_on
FROM ledger(as_of => $as_of)
WHERE contract_id IS NOT NULL
GROUP BY scenario, org_id, contract_id, period_start, period_end, commitment
ORDER BY org_id, contract_id, period_start;
