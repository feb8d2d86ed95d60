-- The commitments in force, those first that will be exceeded the most, and one row for all others.
WITH ranked AS (SELECT p.*,
                       f.cost,
                       CASE WHEN p.commitment > 0 THEN p.credits * 100 / p.commitment END AS percent,
                       CASE WHEN p.commitment > 0 THEN p.at_end * 100 / p.commitment END  AS percent_at_end,
                       greatest(p.at_end - p.commitment, 0)                               AS overage_at_end,
                       row_number() OVER (ORDER BY p.at_end > p.commitment DESC, p.at_end * 100 / nullif(p.commitment, 0) DESC NULLS FIRST,
                                          p.org_id, p.contract_id, p.period_start)       AS place
                FROM page_periods AS p
                         LEFT JOIN page_forecast AS f
                                   ON f.contract_id::VARCHAR = p.contract_id AND f.period_start = p.period_start)
SELECT * FROM ranked ORDER BY place;
