-- Sales by minute and department, of dead letters that were replayed: one row a record and sign, however often it is replayed.
CREATE TABLE IF NOT EXISTS metrics.sales_by_minute_department_replayed
(
    minute          DateTime64(0, 'UTC')                             COMMENT 'Minute of check-out: event time',
    department      LowCardinality(String)                           COMMENT 'Department of the product when the change was counted; (unknown) for a product that is not listed',
    sales           Decimal(38, 2)     COMMENT 'Amount the retailer received, USD',
    units           Int64              COMMENT 'Units sold less units returned',
    discount        Decimal(38, 2)     COMMENT 'Loyalty-card and coupon discounts, USD',
    lines           Int64              COMMENT 'Basket lines',
    basket_lines    Map(Int64, Int64) COMMENT 'Lines by basket: a basket counts while it has lines',
    household_lines Map(Int64, Int64) COMMENT 'Lines by household: it is active while it has lines',
    late_rows       UInt64             COMMENT 'Changes that came after the watermark had passed the minute',
    changed_at      DateTime64(6, 'UTC') COMMENT 'Commit time of the newest change counted',
    _partition      Int32                                            COMMENT 'Kafka partition of the fact''s topic',
    _snapshot       UInt64                                           COMMENT 'Offset from which is counted; see metrics.snapshots',
    _offset         UInt64                                           COMMENT 'Offset of the record',
    _sign           Int8                                             COMMENT '1: what the record adds; -1: what it takes away',
    _inserted_at    DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(_inserted_at)
ORDER BY (_partition, _offset, _sign)
COMMENT 'Sales by minute and department, of replayed dead letters'
