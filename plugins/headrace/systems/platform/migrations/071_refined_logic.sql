-- Whether what is refined was made by the rules and the engine of today.

ALTER TABLE refinements ADD COLUMN IF NOT EXISTS logic text;
COMMENT ON COLUMN refinements.logic IS 'Digest of the engine, the rules of the row and the key of the tokens (planning/logic.py).';
