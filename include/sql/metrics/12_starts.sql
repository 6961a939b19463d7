-- Which start of the server this is: in memory, so empty after each. A token of an insert holds for one start only.
CREATE TABLE IF NOT EXISTS metrics.starts
(
    id UUID                 COMMENT 'Made at the first insert after the start',
    at DateTime64(9, 'UTC') COMMENT 'When it was made'
)
ENGINE = Memory
COMMENT 'Which start of the server this is'
