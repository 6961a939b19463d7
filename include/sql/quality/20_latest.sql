-- The newest outcome of every check.
CREATE OR REPLACE VIEW quality.latest AS
SELECT * FROM quality.results FINAL
ORDER BY at DESC
LIMIT 1 BY dataset, zone, rule
