CREATE DATABASE IF NOT EXISTS `retail`;

CREATE TABLE IF NOT EXISTS `retail`.`offers`
(
    `basket_id` Int64 COMMENT 'The basket_id.',
    `product_id` Int64 COMMENT 'The product_id.',
    `household_id` Nullable(String) COMMENT 'The household_id.',
    `quantity` Int32 COMMENT 'The quantity.',
    `sales_value` Decimal(12, 2) COMMENT 'The sales_value.',
    `channel` String DEFAULT CAST('till', 'String') COMMENT 'The channel.',
    `sold_on` Nullable(Date32) COMMENT 'The sold_on.',
    `checked_out_at` DateTime64(6, 'UTC') COMMENT 'The checked_out_at.'
)
ENGINE = MergeTree
ORDER BY (`basket_id`, `product_id`)
SETTINGS non_replicated_deduplication_window = 10000;
