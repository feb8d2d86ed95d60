-- Who wrote in each DAR.
SELECT bot_messages > 0      AS bot,
       agent_messages > 0    AS agent,
       consumer_messages > 0 AS consumer,
       count(*)              AS dars,
       sum(messages)         AS messages,
       sum(credits)          AS credits
FROM page_dars
GROUP BY bot, agent, consumer
ORDER BY dars DESC, bot, agent, consumer;
