-- Service-provider charges passed through, SMS for one: quantity and money by organization, channel and price.
-- param as_of DATE = current_date  day after the last one
-- param since DATE = NULL  first day; all if not given
SELECT org_id,
       channel,
       unit,
       unit_price,
       currency,
       sum(quantity)  AS quantity,
       sum(amount)    AS amount,
       min(first_day) AS first_day,
       max(last_day)  AS last_day
FROM invoice_lines(as_of => $as_of, since => $since)
WHERE line_type = 'channel_charge'
GROUP BY org_id, channel, unit, unit_price, currency
ORDER BY org_id, channel, unit, unit_price, currency;
