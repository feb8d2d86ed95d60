-- From an invoice line to its relationships' days: every DAR whose credits the line bills, in the order of the drawdown.
-- A DAR that crosses from one line into the next is in both. For a charge per DAR: those of its channel and days. From
-- a DAR on to its messages: report dar_messages.
-- param org_id VARCHAR  the line's organization
-- param period_start DATE  the line's period
-- param line_no BIGINT  the line's number
-- param contract_id VARCHAR = NULL  the line's contract; NULL for usage without one
-- param as_of DATE = current_date  the invoice's day
-- param since DATE = NULL  the statement's first day
SELECT l.line_type,
       d.site_id,
       d.relationship_id,
       d.day,
       d.channel,
       d.messages,
       d.credits,
       d.cumulative_credits,
       d.drawn_credits,
       d.overage_credits,
       d.amount,
       d.currency
FROM invoice_lines(as_of => $as_of, since => $since) AS l
         JOIN ledger(as_of => $as_of) AS d
              ON d.org_id = l.org_id
WHERE l.org_id::VARCHAR = $org_id
  AND l.period_start = $period_start
  AND l.line_no = $line_no
  AND (l.contract_id::VARCHAR IS NOT DISTINCT FROM $contract_id)
  AND (d.contract_id IS NOT DISTINCT FROM l.contract_id)
  AND d.day >= l.period_start
  AND d.day < l.period_end
  AND CASE
          WHEN l.from_credits IS NOT NULL THEN d.cumulative_credits > l.from_credits
              AND d.cumulative_credits - d.credits < l.to_credits
          WHEN l.unit = 'message' THEN false
          ELSE d.day BETWEEN l.first_day AND l.last_day AND (l.channel IS NULL OR d.channel = l.channel)
    END
ORDER BY d.day, d.credits, d.first_message_at, d.site_id, d.relationship_id;
