-- From a DAR to its messages: every counted message of one relationship on one local day, with the instant and the zone.
-- param site_id VARCHAR  as report invoice_line_dars shows it
-- param relationship_id VARCHAR  as it shows it
-- param day DATE  as it shows it
SELECT conversation_id,
       sent_at,
       time_zone,
       sent_by,
       gen_ai_on,
       listened
FROM message_days()
WHERE site_id::VARCHAR = $site_id
  AND relationship_id::VARCHAR = $relationship_id
  AND day = $day
  AND disposition = 'counted'
ORDER BY sent_at, conversation_id;
