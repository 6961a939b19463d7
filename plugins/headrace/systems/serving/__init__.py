"""Client of the PostgreSQL serving database, for datasets whose contract asks for it."""
