-- The rows of `dars.sql` as the functions of money take them.
CREATE VIEW page_rated AS
SELECT scenario, org_id, site_id, relationship_id, consumer_id, day, channel, messages, gen_ai, intent_analyzer,
       contract_id, currency, base_credits, gen_ai_credits, intent_analyzer_credits, credits
FROM page_dars;
