-- Messages that were delivered with two different instants: the same message id, another `sent_at`.
-- Each row is dated by itself, so such a message may count on two days. No rows means that there are none.
SELECT site_id,
       conversation_id,
       message_id,
       count(*)                AS copies,
       count(DISTINCT sent_at) AS instants,
       min(sent_at)            AS first_sent_at,
       max(sent_at)            AS last_sent_at
FROM messages
WHERE message_id IS NOT NULL
GROUP BY site_id, conversation_id, message_id
HAVING count(DISTINCT sent_at) > 1
ORDER BY site_id, conversation_id, message_id;
