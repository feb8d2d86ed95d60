-- What became of every message of the input; those of no known site belong to no organization.
SELECT CASE WHEN $org IS NULL OR org_id::VARCHAR = $org THEN 'here' WHEN org_id IS NULL THEN 'nowhere' ELSE 'elsewhere' END AS place,
       disposition,
       reason,
       count(*)     AS messages,
       min(sent_at) AS first_sent_at,
       max(sent_at) AS last_sent_at
FROM message_days(page_messages)
GROUP BY 1, 2, 3
ORDER BY place, disposition, messages DESC, reason;
