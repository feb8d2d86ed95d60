-- What became of every message row: counted, excluded or rejected, and why. The numbers add up to the input.
-- The rejected rows themselves: SELECT * FROM rejects
SELECT disposition,
       reason,
       messages,
       round(messages::DECIMAL(20, 0) * 100 / sum(messages) OVER (), 2) AS percent
FROM dispositions()
ORDER BY disposition, messages DESC, reason;
