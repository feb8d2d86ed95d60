-- What each size of commitment would have cost on one organization's last year.
SELECT committed_credits, used, unused, overage, total, is_best
FROM commitment_curve(
        (SELECT * FROM page_rated WHERE org_id::VARCHAR = $curve_org),
        (SELECT DISTINCT committed_credits, $credit_price AS credit_price, $overage_price AS overage_price
         FROM (SELECT (value * $step)::DECIMAL(18, 4) AS committed_credits FROM generate_series(0, 20)
               UNION ALL SELECT $commitment
               UNION ALL SELECT $used)),
        from => $from,
        to => $as_of)
ORDER BY committed_credits;
