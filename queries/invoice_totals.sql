-- What each organization owes, by period and currency: commitment, overage, channel charges, and their total.
-- `uncontracted_credits` were used under no contract: they have no price yet, so they are in no total.
-- param as_of DATE = current_date  the start of this day: a period that ends on it has ended
-- param since DATE = NULL  first day of a statement
SELECT org_id,
       contract_id,
       period_start,
       period_end,
       currency,
       coalesce(sum(amount) FILTER (WHERE line_type IN ('commitment_fee', 'committed_usage', 'unused_commitment')), 0) AS commitment,
       coalesce(sum(amount) FILTER (WHERE line_type = 'overage'), 0)        AS overage,
       coalesce(sum(amount) FILTER (WHERE line_type = 'channel_charge'), 0) AS channel_charges,
       coalesce(sum(amount), 0)                                             AS total,
       sum(quantity) FILTER (WHERE line_type = 'uncontracted')              AS uncontracted_credits
FROM invoice_lines(as_of => $as_of, since => $since)
GROUP BY org_id, contract_id, period_start, period_end, currency
ORDER BY org_id, contract_id, period_start, currency;
