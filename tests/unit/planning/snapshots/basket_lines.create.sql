CREATE DATABASE IF NOT EXISTS `retail`;

CREATE TABLE IF NOT EXISTS `retail`.`basket_lines_changes`
(
    `basket_id` Int64 COMMENT 'The basket_id.',
    `product_id` Int64 COMMENT 'The product_id.',
    `household_id` Nullable(Int64) COMMENT 'The household_id.',
    `quantity` Int32 COMMENT 'The quantity.',
    `sales_value` Decimal(12, 2) COMMENT 'The sales_value.',
    `channel` String DEFAULT CAST('till', 'String') COMMENT 'The channel.',
    `sold_on` Nullable(Date32) COMMENT 'The sold_on.',
    `checked_out_at` DateTime64(6, 'UTC') COMMENT 'The checked_out_at.',
    `_op` LowCardinality(String) COMMENT 'c create, u update, d delete, r read by a snapshot',
    `_lsn` UInt64 COMMENT 'Position in the source\'s log; for information, offsets give the order',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic oltp.retail.basket_lines',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here'
)
ENGINE = ReplacingMergeTree(_offset)
PARTITION BY toYYYYMM(_committed_at)
ORDER BY (`basket_id`, `product_id`, `_kafka_partition`, `_offset`);

CREATE DATABASE IF NOT EXISTS `retail`;

CREATE TABLE IF NOT EXISTS `retail`.`basket_lines_state`
(
    `basket_id` Int64 COMMENT 'The basket_id.',
    `product_id` Int64 COMMENT 'The product_id.',
    `household_id` Nullable(Int64) COMMENT 'The household_id.',
    `quantity` Int32 COMMENT 'The quantity.',
    `sales_value` Decimal(12, 2) COMMENT 'The sales_value.',
    `channel` String DEFAULT CAST('till', 'String') COMMENT 'The channel.',
    `sold_on` Nullable(Date32) COMMENT 'The sold_on.',
    `checked_out_at` DateTime64(6, 'UTC') COMMENT 'The checked_out_at.',
    `_op` LowCardinality(String) COMMENT 'c create, u update, d delete, r read by a snapshot',
    `_lsn` UInt64 COMMENT 'Position in the source\'s log; for information, offsets give the order',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic oltp.retail.basket_lines',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here',
    `_deleted` UInt8 COMMENT '1 when the source deleted it'
)
ENGINE = ReplacingMergeTree(_offset, _deleted)
ORDER BY (`basket_id`, `product_id`);

CREATE DATABASE IF NOT EXISTS `retail`;

CREATE OR REPLACE VIEW `retail`.`basket_lines` AS
SELECT `basket_id`, `product_id`, `household_id`, `quantity`, `sales_value`, `channel`, `sold_on`, `checked_out_at` FROM `retail`.`basket_lines_state` FINAL;
