-- What each commitment's overage would be at its end, priced by the invoice itself: blocks, tiers and rounding included.
CREATE TABLE page_forecast AS
SELECT org_id, contract_id, period_start, sum(amount) AS cost
FROM invoice_lines(
        (SELECT scenario, org_id, contract_id, period_end - 1 AS day, NULL::VARCHAR AS channel, false AS gen_ai,
                false AS intent_analyzer, at_end AS credits
         FROM page_periods),
        as_of => DATE '9999-12-31',
        channel_charges => NULL)
WHERE line_type = 'overage'
GROUP BY org_id, contract_id, period_start;
