-- Messages that the engine's own zone rules (of 2025) date on another day than the current ones, which bill.
-- Only the zones whose rules have changed since then are looked at; no rows means that both agree on your messages.
SELECT time_zone,
       day               AS billed_day,
       engine_day,
       tzdb_version()    AS billed_by,
       count(*)          AS messages,
       min(sent_at)      AS first_message_at,
       max(sent_at)      AS last_message_at
FROM (SELECT time_zone,
             day,
             sent_at,
             CASE lower(time_zone)
                 WHEN 'america/vancouver' THEN (sent_at AT TIME ZONE 'America/Vancouver')::DATE
                 WHEN 'canada/pacific'    THEN (sent_at AT TIME ZONE 'America/Vancouver')::DATE
                 WHEN 'america/edmonton'  THEN (sent_at AT TIME ZONE 'America/Edmonton')::DATE
                 WHEN 'canada/mountain'   THEN (sent_at AT TIME ZONE 'America/Edmonton')::DATE
                 WHEN 'america/winnipeg'  THEN (sent_at AT TIME ZONE 'America/Winnipeg')::DATE
                 WHEN 'canada/central'    THEN (sent_at AT TIME ZONE 'America/Winnipeg')::DATE
                 WHEN 'africa/casablanca' THEN (sent_at AT TIME ZONE 'Africa/Casablanca')::DATE
                 WHEN 'africa/el_aaiun'   THEN (sent_at AT TIME ZONE 'Africa/El_Aaiun')::DATE
                 WHEN 'america/havana'    THEN (sent_at AT TIME ZONE 'America/Havana')::DATE
                 WHEN 'cuba'              THEN (sent_at AT TIME ZONE 'America/Havana')::DATE
                 WHEN 'europe/chisinau'   THEN (sent_at AT TIME ZONE 'Europe/Chisinau')::DATE
             END AS engine_day
      FROM message_days()
      WHERE disposition = 'counted')
WHERE engine_day <> day
GROUP BY time_zone, day, engine_day
ORDER BY time_zone, day, engine_day;
