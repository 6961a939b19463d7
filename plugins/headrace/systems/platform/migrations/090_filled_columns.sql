CREATE TABLE IF NOT EXISTS filled_columns (
    connection   text        NOT NULL,
    source_table text        NOT NULL,
    column_name  text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, source_table, column_name)
);
COMMENT ON TABLE filled_columns IS
    'Columns that were added with a default to a table with rows, and whose table was read since.';
