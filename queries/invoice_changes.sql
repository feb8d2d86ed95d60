-- What an invoice adds since the last one: the statement between two days, by organization and kind of line.
-- Statements of adjoining days add up to the whole invoice. Late messages for days before `since` are in no statement;
-- report ledger_changes finds them.
-- param since DATE  first day, the as_of of the last invoice
-- param as_of DATE = current_date  day after the last one
SELECT org_id,
       contract_id,
       period_start,
       line_type,
       currency,
       sum(dars)      AS dars,
       sum(quantity)  AS quantity,
       sum(amount)    AS amount,
       min(first_day) AS first_day,
       max(last_day)  AS last_day
FROM invoice_lines(as_of => $as_of, since => $since)
GROUP BY org_id, contract_id, period_start, line_type, currency
ORDER BY org_id, contract_id, period_start, line_type, currency;
