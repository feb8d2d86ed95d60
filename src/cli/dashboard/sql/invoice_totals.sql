-- What is owed by currency and kind of line: the periods in force, and those that have ended before.
SELECT currency,
       is_current,
       line_type,
       count(*)    AS lines,
       sum(dars)   AS dars,
       sum(amount) AS amount
FROM page_lines
WHERE currency IS NOT NULL
GROUP BY currency, is_current, line_type
ORDER BY currency, is_current DESC, line_type;
