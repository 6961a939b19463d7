"""Client of the platform's own PostgreSQL database: hook, alerts, applied contracts, locks, migrations."""
