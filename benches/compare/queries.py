"""The cases, as each engine says them. Every query has one meaning: the billing rules of the README.

`{messages}` is the pattern of the message files, `{folder}` where the other relations lie. A peer that cannot say a
case is not in its table; one that says something else is in `DIFFERS` with the reason.
"""

# What dayrate runs.
DAYRATE = {
    "credits, conversation": "SELECT org_id, date_trunc('month', day)::DATE AS month, count(*) AS dars, sum(credits) AS credits "
    "FROM rated_dars(relationship => 'conversation') GROUP BY 1, 2 ORDER BY 1, 2",
    "credits, consumer": "SELECT org_id, date_trunc('month', day)::DATE AS month, count(*) AS dars, sum(credits) AS credits "
    "FROM rated_dars() GROUP BY 1, 2 ORDER BY 1, 2",
    "one site, one day": "SELECT count(*) AS dars FROM dars(relationship => 'conversation') WHERE site_id = 'site-001' AND day = DATE '2025-05-15'",
    "one week by channel": "SELECT channel, count(*) AS dars, sum(messages) AS messages FROM dars(relationship => 'conversation') "
    "WHERE day >= DATE '2025-05-12' AND day < DATE '2025-05-19' GROUP BY 1 ORDER BY 1",
    "dar_count": "SELECT org_id, dar_count(m.site_id, conversation_id, sent_at, time_zone) AS dars FROM messages AS m JOIN sites AS s "
    "ON m.site_id = s.site_id AND sent_at >= coalesce(valid_from, TIMESTAMPTZ '1970-01-01T00:00:00Z') "
    "AND sent_at < coalesce(valid_to, TIMESTAMPTZ '2100-01-01T00:00:00Z') GROUP BY 1 ORDER BY 1",
    "dars to Parquet": "COPY (SELECT * FROM dars(relationship => 'conversation')) TO '{out}'",
    "invoice of the year": "SELECT * FROM invoice_lines(channel_charges => NULL, as_of => DATE '2026-01-01') ORDER BY 1, 2, 3, 4, 6",
    "ledger to Parquet": "COPY (SELECT * FROM ledger()) TO '{out}'",
    "consumer dars to Parquet": "COPY (SELECT * FROM dars()) TO '{out}'",
}

# The columns that the floor decodes for a case.
COLUMNS = {
    "credits, conversation": "site_id,conversation_id,sent_at,sent_by,audience,intent_analyzer",
    "credits, consumer": "site_id,conversation_id,consumer_id,sent_at,sent_by,audience,intent_analyzer",
    "dars to Parquet": "site_id,conversation_id,consumer_id,sent_at,sent_by,audience,intent_analyzer,channel",
}

_FOREVER = "TIMESTAMPTZ '2100-01-01T00:00:00Z'"
_EVER = "TIMESTAMPTZ '1970-01-01T00:00:00Z'"

# Messages that count, with their day and their switches: DuckDB. A join for each switch is several times faster there
# than an EXISTS.
_DUCK_MESSAGES = f"""
WITH sites AS (FROM '{{folder}}/sites.parquet'),
g AS (SELECT * FROM '{{folder}}/feature_periods.parquet' WHERE feature = 'gen_ai'),
ia AS (SELECT * FROM '{{folder}}/feature_periods.parquet' WHERE feature = 'intent_analyzer'),
m AS (
  SELECT m.site_id, m.conversation_id, m.consumer_id, m.sent_at, m.sent_by, m.channel, s.org_id, s.time_zone,
         (m.sent_at AT TIME ZONE s.time_zone)::DATE AS day, g.org_id IS NOT NULL AS gen_ai_on,
         coalesce(m.intent_analyzer, ia.org_id IS NOT NULL) AS listened
  FROM read_parquet('{{messages}}') AS m JOIN sites AS s ON m.site_id = s.site_id
   AND m.sent_at >= coalesce(s.valid_from, {_EVER}) AND m.sent_at < coalesce(s.valid_to, {_FOREVER})
   LEFT JOIN g ON g.org_id = s.org_id AND m.sent_at >= g.enabled_from AND m.sent_at < coalesce(g.enabled_to, {_FOREVER})
   LEFT JOIN ia ON ia.org_id = s.org_id AND (ia.site_id IS NULL OR ia.site_id = m.site_id)
    AND m.sent_at >= ia.enabled_from AND m.sent_at < coalesce(ia.enabled_to, {_FOREVER})
  WHERE lower(m.sent_by) IN ('consumer', 'agent', 'human', 'bot') AND coalesce(upper(m.audience), 'ALL') = 'ALL'
    AND NOT coalesce(s.is_test, false){{more}})"""

_DUCK_RATED = """,
c AS (SELECT * FROM '{folder}/contracts.parquet' WHERE scenario IS NULL),
r AS (SELECT d.*, coalesce(dar_credits, 1) AS b, coalesce(gen_ai_multiplier, 1.5) AS g,
             coalesce(intent_analyzer_credits, 0.2) AS i, coalesce(surcharge_mode, 'add') AS mode
      FROM d LEFT JOIN c ON c.org_id = d.org_id AND d.day >= c.term_start AND d.day < c.term_end)
SELECT org_id, date_trunc('month', day)::DATE AS month, count(*) AS dars,
  sum(round(CASE WHEN mode = 'add' THEN b * (CASE WHEN gen_ai THEN g ELSE 1 END) + (CASE WHEN ia THEN i ELSE 0 END)
            ELSE (b + CASE WHEN ia THEN i ELSE 0 END) * (CASE WHEN gen_ai THEN g ELSE 1 END) END::DECIMAL(18,6), 4))::DECIMAL(28,4) AS credits
FROM r GROUP BY ALL ORDER BY ALL"""

_BY_CONVERSATION = """,
d AS (SELECT site_id, conversation_id, day, arg_min(org_id, sent_at) AS org_id, bool_or(gen_ai_on) AS gen_ai,
             bool_or(listened) AS ia FROM m GROUP BY ALL)"""

_BY_CONSUMER = """,
k AS (SELECT site_id, conversation_id, day, min(consumer_id) AS consumer FROM m WHERE consumer_id IS NOT NULL GROUP BY ALL),
d AS (SELECT m.site_id, coalesce(m.consumer_id, k.consumer) AS consumer,
             CASE WHEN coalesce(m.consumer_id, k.consumer) IS NULL THEN m.conversation_id END AS conversation, m.day,
             arg_min(m.org_id, m.sent_at) AS org_id, bool_or(gen_ai_on) AS gen_ai, bool_or(listened) AS ia
      FROM m LEFT JOIN k ON m.site_id = k.site_id AND m.conversation_id = k.conversation_id AND m.day = k.day GROUP BY ALL)"""

# A range wide enough for every zone, by which the files are pruned.
_NEAR = " AND m.sent_at >= TIMESTAMPTZ '{}T00:00:00Z' AND m.sent_at < TIMESTAMPTZ '{}T00:00:00Z'"

DUCKDB = {
    "credits, conversation": _DUCK_MESSAGES.replace("{more}", "") + _BY_CONVERSATION + _DUCK_RATED,
    "credits, consumer": _DUCK_MESSAGES.replace("{more}", "") + _BY_CONSUMER + _DUCK_RATED,
    "one site, one day": _DUCK_MESSAGES.replace("{more}", _NEAR.format("2025-05-13", "2025-05-18"))
    + " SELECT count(DISTINCT conversation_id) AS dars FROM m WHERE site_id = 'site-001' AND day = DATE '2025-05-15'",
    "one week by channel": _DUCK_MESSAGES.replace("{more}", _NEAR.format("2025-05-10", "2025-05-22"))
    + ", d AS (SELECT arg_min(channel, sent_at) AS channel, count(*) AS n FROM m WHERE day >= DATE '2025-05-12' "
    "AND day < DATE '2025-05-19' GROUP BY site_id, conversation_id, day) "
    "SELECT channel, count(*) AS dars, sum(n)::BIGINT AS messages FROM d GROUP BY 1 ORDER BY 1",
    "dar_count": f"""SELECT org_id, count(DISTINCT (m.site_id, conversation_id, (sent_at AT TIME ZONE time_zone)::DATE)) AS dars
FROM read_parquet('{{messages}}') AS m JOIN '{{folder}}/sites.parquet' AS s ON m.site_id = s.site_id
AND sent_at >= coalesce(valid_from, {_EVER}) AND sent_at < coalesce(valid_to, {_FOREVER}) GROUP BY 1 ORDER BY 1""",
    "dars to Parquet": "COPY ("
    + _DUCK_MESSAGES.replace("{more}", "")
    + """ SELECT arg_min(org_id, sent_at) AS org_id, site_id, conversation_id AS relationship_id,
        arg_min(consumer_id, sent_at) FILTER (consumer_id IS NOT NULL) AS consumer_id, day, arg_min(time_zone, sent_at) AS time_zone,
        arg_min(channel, sent_at) AS channel, min(sent_at) AS first_message_at, max(sent_at) AS last_message_at, count(*) AS messages,
        count(*) FILTER (lower(sent_by) = 'consumer') AS consumer_messages, count(*) FILTER (lower(sent_by) IN ('agent', 'human')) AS agent_messages,
        count(*) FILTER (lower(sent_by) = 'bot') AS bot_messages, bool_or(gen_ai_on) AS gen_ai, bool_or(listened) AS intent_analyzer
        FROM m GROUP BY site_id, conversation_id, day) TO '{out}' (FORMAT parquet, COMPRESSION zstd)""",
}

# ClickHouse takes no column of zones, except through text. It joins on ranges slowly, so periods are arrays there.
_CH_PERIODS = """(SELECT org_id, groupArray((enabled_from, coalesce(enabled_to, toDateTime64('2100-01-01 00:00:00', 6, 'UTC')), site_id)) AS periods
     FROM file('{folder}/feature_periods.parquet', Parquet) WHERE feature = '%s' GROUP BY org_id)"""
_CH_ON = "arrayExists(p -> m.sent_at >= p.1 AND m.sent_at < p.2 AND (p.3 IS NULL OR p.3 = m.site_id), %s.periods)"
_CH_MESSAGES = (
    """
WITH m AS (
  SELECT m.site_id AS site_id, m.conversation_id AS conversation_id, m.sent_at AS sent_at, m.channel AS channel, s.org_id AS org_id,
         toDate(toString(m.sent_at, assumeNotNull(s.time_zone))) AS day, """
    + _CH_ON % "g"
    + " AS gen_ai_on, coalesce(m.intent_analyzer, "
    + _CH_ON % "ia"
    + """) AS listened
  FROM file('{messages}', Parquet) AS m JOIN file('{folder}/sites.parquet', Parquet) AS s ON m.site_id = s.site_id
  LEFT JOIN """
    + _CH_PERIODS % "gen_ai"
    + " AS g ON g.org_id = s.org_id LEFT JOIN "
    + _CH_PERIODS % "intent_analyzer"
    + """ AS ia ON ia.org_id = s.org_id
  WHERE lower(m.sent_by) IN ('consumer', 'agent', 'human', 'bot') AND coalesce(upper(m.audience), 'ALL') = 'ALL'
    AND NOT coalesce(s.is_test, false) AND (s.valid_from IS NULL OR m.sent_at >= s.valid_from)
    AND (s.valid_to IS NULL OR m.sent_at < s.valid_to){more})"""
)
CHDB = {
    "credits, conversation": _CH_MESSAGES.replace("{more}", "")
    + """,
d AS (SELECT site_id, conversation_id, day, argMin(org_id, sent_at) AS org_id, max(gen_ai_on) AS gen_ai, max(listened) AS ia
      FROM m GROUP BY site_id, conversation_id, day),
r AS (SELECT d.org_id AS org_id, d.day AS day, toDecimal64(coalesce(c.dar_credits, 1), 6) AS b, toDecimal64(coalesce(c.gen_ai_multiplier, 1.5), 6) AS g,
             toDecimal64(coalesce(c.intent_analyzer_credits, 0.2), 6) AS i, c.surcharge_mode = 'multiply' AS multiply, gen_ai, ia
      FROM d LEFT JOIN (SELECT * FROM file('{folder}/contracts.parquet', Parquet) WHERE scenario IS NULL) AS c
        ON c.org_id = d.org_id AND d.day >= c.term_start AND d.day < c.term_end)
SELECT org_id, toStartOfMonth(day) AS month, count() AS dars,
       sum(round(if(multiply = 1, (b + if(ia, i, toDecimal64(0, 6))) * if(gen_ai, g, toDecimal64(1, 6)),
                    b * if(gen_ai, g, toDecimal64(1, 6)) + if(ia, i, toDecimal64(0, 6))), 4)) AS credits
FROM r GROUP BY org_id, month ORDER BY org_id, month""",
    "one site, one day": _CH_MESSAGES.replace(
        "{more}",
        " AND m.sent_at >= toDateTime64('2025-05-13 00:00:00', 6, 'UTC') AND m.sent_at < toDateTime64('2025-05-18 00:00:00', 6, 'UTC')",
    )
    + " SELECT uniqExact(conversation_id) AS dars FROM m WHERE site_id = 'site-001' AND day = '2025-05-15'",
    "one week by channel": _CH_MESSAGES.replace(
        "{more}",
        " AND m.sent_at >= toDateTime64('2025-05-10 00:00:00', 6, 'UTC') AND m.sent_at < toDateTime64('2025-05-22 00:00:00', 6, 'UTC')",
    )
    + """, d AS (SELECT argMin(tuple(channel), sent_at).1 AS channel, count() AS n FROM m WHERE day >= '2025-05-12' AND day < '2025-05-19'
      GROUP BY site_id, conversation_id, day)
SELECT channel, count() AS dars, sum(n) AS messages FROM d GROUP BY channel ORDER BY channel""",
    "dar_count": """
SELECT s.org_id AS org_id, uniqExact(m.site_id, m.conversation_id, toDate(toString(m.sent_at, assumeNotNull(s.time_zone)))) AS dars
FROM file('{messages}', Parquet) AS m JOIN file('{folder}/sites.parquet', Parquet) AS s ON m.site_id = s.site_id
WHERE (s.valid_from IS NULL OR m.sent_at >= s.valid_from) AND (s.valid_to IS NULL OR m.sent_at < s.valid_to)
GROUP BY org_id ORDER BY org_id""",
}

# The engine that dayrate stands on takes no column of zones at all, so the day is that of UTC.
DATAFUSION = {
    "credits, conversation": """
WITH m AS (
  SELECT m.site_id, m.conversation_id, m.sent_at, s.org_id, CAST(m.sent_at AS DATE) AS day, g.org_id IS NOT NULL AS gen_ai_on,
         coalesce(m.intent_analyzer, ia.org_id IS NOT NULL) AS listened
  FROM messages AS m JOIN sites AS s ON m.site_id = s.site_id
   AND m.sent_at >= coalesce(s.valid_from, TIMESTAMPTZ '1970-01-01T00:00:00Z') AND m.sent_at < coalesce(s.valid_to, TIMESTAMPTZ '2100-01-01T00:00:00Z')
   LEFT JOIN (SELECT * FROM feature_periods WHERE feature = 'gen_ai') AS g ON g.org_id = s.org_id AND m.sent_at >= g.enabled_from
    AND m.sent_at < coalesce(g.enabled_to, TIMESTAMPTZ '2100-01-01T00:00:00Z')
   LEFT JOIN (SELECT * FROM feature_periods WHERE feature = 'intent_analyzer') AS ia ON ia.org_id = s.org_id
    AND (ia.site_id IS NULL OR ia.site_id = m.site_id) AND m.sent_at >= ia.enabled_from
    AND m.sent_at < coalesce(ia.enabled_to, TIMESTAMPTZ '2100-01-01T00:00:00Z')
  WHERE lower(m.sent_by) IN ('consumer', 'agent', 'human', 'bot') AND coalesce(upper(m.audience), 'ALL') = 'ALL' AND NOT coalesce(s.is_test, false)),
d AS (SELECT site_id, conversation_id, day, min(org_id) AS org_id, bool_or(gen_ai_on) AS gen_ai, bool_or(listened) AS ia FROM m GROUP BY 1, 2, 3),
r AS (SELECT d.*, coalesce(dar_credits, 1) AS b, coalesce(gen_ai_multiplier, 1.5) AS g, coalesce(intent_analyzer_credits, 0.2) AS i,
             coalesce(surcharge_mode, 'add') AS mode
      FROM d LEFT JOIN (SELECT * FROM contracts WHERE scenario IS NULL) AS c ON c.org_id = d.org_id AND d.day >= c.term_start AND d.day < c.term_end)
SELECT org_id, CAST(date_trunc('month', day) AS DATE) AS month, count(*) AS dars,
  CAST(sum(round(CASE WHEN mode = 'add' THEN b * (CASE WHEN gen_ai THEN g ELSE 1 END) + (CASE WHEN ia THEN i ELSE 0 END)
            ELSE (b + CASE WHEN ia THEN i ELSE 0 END) * (CASE WHEN gen_ai THEN g ELSE 1 END) END, 4)) AS DECIMAL(28,4)) AS credits
FROM r GROUP BY 1, 2 ORDER BY 1, 2""",
}

DIFFERS = {
    ("duckdb", "dars to Parquet"): "of several first messages at one instant its arg_min takes any; dayrate the first by channel",
    ("datafusion", "credits, conversation"): "its day is that of UTC: AT TIME ZONE takes no column there",
}
