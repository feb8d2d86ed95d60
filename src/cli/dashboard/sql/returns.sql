-- What engagements of each kind cost and brought, as in the report `roi_by_kind`.
SELECT coalesce(kinds, 'none')                                                                   AS kinds,
       currency,
       count(*)                                                                                  AS engagements,
       coalesce(sum(outcomes), 0)                                                                AS outcomes,
       coalesce(sum(credits), 0)                                                                 AS credits,
       sum(amount)                                                                               AS cost,
       sum(revenue)                                                                              AS revenue,
       sum(saving)                                                                               AS saving
FROM engagement_outcomes(cost => 'amortised', as_of => $as_of)
WHERE $org IS NULL OR org_id::VARCHAR = $org
GROUP BY 1, 2
ORDER BY currency, cost DESC, kinds;
