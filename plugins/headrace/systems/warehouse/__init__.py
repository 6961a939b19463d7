"""Client of ClickHouse: hook, state, table loads, Arrow conversion."""
