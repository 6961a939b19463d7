-- Which outcomes of refinements stand in the warehouse too, and which DAG each refinement was run by.

ALTER TABLE refinements ADD COLUMN IF NOT EXISTS dag_id text;
UPDATE refinements SET dag_id = 'refine_' || replace(dataset, '.', '_') WHERE dag_id IS NULL;
ALTER TABLE refinements ADD COLUMN IF NOT EXISTS kept_at timestamptz;
COMMENT ON COLUMN refinements.kept_at IS 'When the outcomes were brought to quality.results in the warehouse; null: not yet.';
CREATE INDEX IF NOT EXISTS refinements_to_keep ON refinements (id) WHERE kept_at IS NULL;
