-- The invoice of every period up to the day.
CREATE TABLE page_lines AS
SELECT org_id::VARCHAR      AS org_id,
       contract_id::VARCHAR AS contract_id,
       period_start, period_end, line_no, line_type, channel, dars, quantity, unit, unit_price, amount, currency,
       period_end >= $as_of AS is_current
FROM invoice_lines(page_rated, as_of => $as_of)
WHERE $org IS NULL OR org_id::VARCHAR = $org;
