-- What changed since a saved ledger: relationships' days that are new, gone or restated, and the money between the two.
-- Save one with: COPY (SELECT * FROM ledger(as_of => DATE '2025-07-01')) TO 'july.parquet'
-- and name it when this runs: dayrate --relation before=july.parquet report ledger_changes as_of=2025-07-01
-- param as_of DATE = NULL  days before it, as in the saved one
SELECT contract_id,
       site_id,
       change,
       currency,
       count(*)           AS dars,
       min(day)           AS first_day,
       max(day)           AS last_day,
       sum(credits_delta) AS credits,
       sum(amount_delta)  AS amount
FROM ledger_changes(before, ledger(as_of => $as_of))
GROUP BY contract_id, site_id, change, currency
ORDER BY contract_id, site_id, change, currency;
