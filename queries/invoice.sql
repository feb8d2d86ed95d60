-- The invoice: every line of every organization, or of one, with what it bills and why.
-- From a line to its relationships: report invoice_line_dars. `since` makes it a statement of the days from then on.
-- param as_of DATE = current_date  the start of this day: a period that ends on it has ended
-- param since DATE = NULL  first day of a statement
-- param org_id VARCHAR = NULL  one organization; all if not given
SELECT org_id,
       contract_id,
       period_start,
       period_end,
       line_no,
       line_type,
       channel,
       dars,
       quantity,
       unit,
       unit_price,
       amount,
       currency,
       first_day,
       last_day
FROM invoice_lines(as_of => $as_of, since => $since)
WHERE $org_id IS NULL OR org_id::VARCHAR = $org_id
ORDER BY org_id, contract_id, period_start, line_no;
