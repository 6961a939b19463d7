CREATE DATABASE IF NOT EXISTS `web`;

CREATE TABLE IF NOT EXISTS `web`.`people_changes`
(
    `person_id` Int64 COMMENT 'The person_id.',
    `city` Nullable(String) COMMENT 'The city.',
    `changed_at` DateTime64(6, 'UTC') COMMENT 'The changed_at.',
    `gone` Nullable(Bool) COMMENT 'The gone.',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic web.people.v2',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here'
)
ENGINE = ReplacingMergeTree(_offset)
PARTITION BY toYYYYMM(_committed_at)
ORDER BY (`person_id`, `_kafka_partition`, `_offset`);

CREATE DATABASE IF NOT EXISTS `web`;

CREATE TABLE IF NOT EXISTS `web`.`people_state`
(
    `person_id` Int64 COMMENT 'The person_id.',
    `city` Nullable(String) COMMENT 'The city.',
    `changed_at` DateTime64(6, 'UTC') COMMENT 'The changed_at.',
    `gone` Nullable(Bool) COMMENT 'The gone.',
    `_kafka_partition` Int32 COMMENT 'Kafka partition of the record',
    `_offset` UInt64 COMMENT 'Offset in topic web.people.v2',
    `_committed_at` DateTime64(6, 'UTC') COMMENT 'When the source committed the row, or the record was made',
    `_inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When the row became readable here',
    `_precedence` UInt128 DEFAULT bitOr(bitShiftLeft(toUInt128(toInt128(toUnixTimestamp64Micro(`changed_at`)) + 9223372036854775808), 64), bitOr(bitShiftLeft(toUInt128(_kafka_partition), 54), toUInt128(_offset))) COMMENT 'The record of an identity with the greatest value is its row: the newest by changed_at',
    `_deleted` UInt8 DEFAULT toUInt8(ifNull(`gone`, false)) COMMENT '1 when the source deleted it'
)
ENGINE = ReplacingMergeTree(_precedence, _deleted)
ORDER BY (`person_id`);

CREATE DATABASE IF NOT EXISTS `web`;

CREATE OR REPLACE VIEW `web`.`people` AS
SELECT `person_id`, `city`, `changed_at`, `gone` FROM `web`.`people_state` FINAL;
