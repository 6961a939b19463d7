-- Locks: whoever takes one gets a higher token than all before.

CREATE TABLE IF NOT EXISTS locks (
    name  text PRIMARY KEY,
    token bigint NOT NULL
);
COMMENT ON TABLE locks IS 'The newest holder of each lock, by its fencing token. The lock itself is an advisory lock.';
