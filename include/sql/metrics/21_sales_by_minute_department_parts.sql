-- Sales by minute and department, as signed parts: every micro-batch adds what changed (after minus before).
CREATE TABLE IF NOT EXISTS metrics.sales_by_minute_department_parts
(
    minute          DateTime64(0, 'UTC')                             COMMENT 'Minute of check-out: event time',
    department      LowCardinality(String)                           COMMENT 'Department of the product when the change was counted; (unknown) for a product that is not listed',
    sales           SimpleAggregateFunction(sum, Decimal(38, 2))     COMMENT 'Amount the retailer received, USD',
    units           SimpleAggregateFunction(sum, Int64)              COMMENT 'Units sold less units returned',
    discount        SimpleAggregateFunction(sum, Decimal(38, 2))     COMMENT 'Loyalty-card and coupon discounts, USD',
    lines           SimpleAggregateFunction(sum, Int64)              COMMENT 'Basket lines',
    basket_lines    SimpleAggregateFunction(sumMap, Map(Int64, Int64)) COMMENT 'Lines by basket: a basket counts while it has lines',
    household_lines SimpleAggregateFunction(sumMap, Map(Int64, Int64)) COMMENT 'Lines by household: it is active while it has lines',
    late_rows       SimpleAggregateFunction(sum, UInt64)             COMMENT 'Changes that came after the watermark had passed the minute',
    changed_at      SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'Commit time of the newest change counted',
    _partition      Int32                                            COMMENT 'Kafka partition of the fact''s topic',
    _snapshot       UInt64                                           COMMENT 'Offset from which is counted; see metrics.snapshots',
    _through        SimpleAggregateFunction(max, UInt64)             COMMENT 'Offset of the newest record of the batch that was counted last',
    _inserted_at    SimpleAggregateFunction(max, DateTime64(6, 'UTC')) DEFAULT now64(6)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, department, _partition, _snapshot)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Sales by minute and department, in signed parts'
