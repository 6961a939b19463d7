-- Whether there is more in raw than was refined can be seen without reading it.

ALTER TABLE refinements ADD COLUMN IF NOT EXISTS raw_records bigint;
COMMENT ON COLUMN refinements.raw_records IS 'How many changes raw held, when all of them are refined; else null.';
