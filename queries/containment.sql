-- How many conversations a bot contained: those in which a bot wrote and no human did, by organization and month.
-- The month is that of the conversation's first counted message. A contained conversation is not yet a resolved one.
-- param from DATE = NULL  first day; all if not given
-- param to DATE = NULL  day after the last one
WITH conversations AS (SELECT org_id,
                              site_id,
                              conversation_id,
                              date_trunc('month', min(day))::DATE                         AS month,
                              max(CASE WHEN lower(sent_by) = 'bot' THEN 1 ELSE 0 END)     AS bot,
                              max(CASE WHEN lower(sent_by) IN ('agent', 'human') THEN 1 ELSE 0 END) AS human,
                              max(CASE WHEN lower(sent_by) = 'consumer' THEN 1 ELSE 0 END) AS consumer
                       FROM message_days()
                       WHERE disposition = 'counted'
                         AND ($from IS NULL OR day >= $from)
                         AND ($to IS NULL OR day < $to)
                       GROUP BY org_id, site_id, conversation_id)
SELECT org_id,
       month,
       count(*)                                                          AS conversations,
       sum(bot)                                                          AS with_bot,
       sum(human)                                                        AS with_human,
       sum(bot * human)                                                  AS handed_over,
       sum(bot * (1 - human))                                            AS contained,
       CASE WHEN sum(bot) > 0 THEN round(sum(bot * (1 - human))::DECIMAL(12, 0) * 100 / sum(bot), 2) END AS percent_contained,
       sum((1 - bot) * (1 - human))                                      AS unanswered
FROM conversations
GROUP BY org_id, month
ORDER BY org_id, month;
