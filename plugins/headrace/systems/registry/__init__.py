"""Client of the schema registry: hook and state of subjects."""
