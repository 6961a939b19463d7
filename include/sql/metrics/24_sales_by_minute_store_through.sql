-- For tables that were made before parts said how far they count.
ALTER TABLE metrics.sales_by_minute_store_parts
    ADD COLUMN IF NOT EXISTS _through SimpleAggregateFunction(max, UInt64)
    COMMENT 'Offset of the newest record of the batch that was counted last' AFTER _snapshot
