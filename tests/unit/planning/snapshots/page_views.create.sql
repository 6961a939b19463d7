CREATE DATABASE IF NOT EXISTS `web`;

CREATE TABLE IF NOT EXISTS `web`.`page_views_changes`
(
    `event_id` UUID COMMENT 'The event_id.',
    `device` LowCardinality(String) COMMENT 'The device.',
    `tags` Array(String) DEFAULT [] COMMENT 'The tags.',
    `marks` Map(String, Float64) COMMENT 'The marks.',
    `viewed_at` DateTime64(3, 'UTC') COMMENT 'The viewed_at.',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic web.page_views.v2',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here'
)
ENGINE = ReplacingMergeTree(_offset)
PARTITION BY toYYYYMM(_committed_at)
ORDER BY (`event_id`, `_kafka_partition`, `_offset`);

CREATE DATABASE IF NOT EXISTS `web`;

CREATE TABLE IF NOT EXISTS `web`.`page_views_state`
(
    `event_id` UUID COMMENT 'The event_id.',
    `device` LowCardinality(String) COMMENT 'The device.',
    `tags` Array(String) DEFAULT [] COMMENT 'The tags.',
    `marks` Map(String, Float64) COMMENT 'The marks.',
    `viewed_at` DateTime64(3, 'UTC') COMMENT 'The viewed_at.',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic web.page_views.v2',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here',
    `_precedence` UInt128 DEFAULT bitNot(bitOr(bitShiftLeft(toUInt128(toInt128(toUnixTimestamp64Micro(_committed_at)) + 9223372036854775808), 64), bitOr(bitShiftLeft(toUInt128(_kafka_partition), 54), toUInt128(_offset)))) COMMENT 'The record of an identity with the greatest value is its row: the first record'
)
ENGINE = ReplacingMergeTree(_precedence)
ORDER BY (`event_id`);

CREATE DATABASE IF NOT EXISTS `web`;

CREATE OR REPLACE VIEW `web`.`page_views` AS
SELECT `event_id`, `device`, `tags`, `marks`, `viewed_at` FROM `web`.`page_views_state` FINAL;
