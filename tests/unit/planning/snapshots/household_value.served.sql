SELECT
    countIf(`household_id` IS NOT NULL) - uniqExactIf(`household_id`, `household_id` IS NOT NULL) AS _0,
    countIf(`household_id` IS NULL) AS _1,
    countIf(`first_day` IS NULL) AS _2,
    countIf(`last_day` IS NULL) AS _3,
    countIf(`recency_days` IS NULL) AS _4,
    countIf(`baskets` IS NULL) AS _5,
    countIf(`days` IS NULL) AS _6,
    countIf(`stores` IS NULL) AS _7,
    countIf(`units` IS NULL) AS _8,
    countIf(`sales` IS NULL) AS _9,
    countIf(`discount` IS NULL) AS _10,
    countIf(`redemptions` IS NULL) AS _11,
    countIf(`recency_score` IS NULL) AS _12,
    countIf(`frequency_score` IS NULL) AS _13,
    countIf(`monetary_score` IS NULL) AS _14,
    countIf(`recency_score` IS NOT NULL AND (`recency_score` < {_15_least:Int64} OR `recency_score` > {_15_most:Int64})) AS _15,
    countIf(`frequency_score` IS NOT NULL AND (`frequency_score` < {_16_least:Int64} OR `frequency_score` > {_16_most:Int64})) AS _16,
    countIf(`monetary_score` IS NOT NULL AND (`monetary_score` < {_17_least:Int64} OR `monetary_score` > {_17_most:Int64})) AS _17,
    count() AS _18
FROM `marts`.`household_value`

{
  "_15_least": 1,
  "_15_most": 5,
  "_16_least": 1,
  "_16_most": 5,
  "_17_least": 1,
  "_17_most": 5
}

-- key_unique: its first rows
SELECT `household_id`, count() AS times FROM `marts`.`household_value` WHERE `household_id` IS NOT NULL GROUP BY `household_id` HAVING times > 1 ORDER BY `household_id` LIMIT 5

-- household_id_required: its first rows
SELECT `household_id` FROM `marts`.`household_value` WHERE `household_id` IS NULL ORDER BY `household_id` LIMIT 5

-- first_day_required: its first rows
SELECT `household_id`, `first_day` FROM `marts`.`household_value` WHERE `first_day` IS NULL ORDER BY `household_id` LIMIT 5

-- last_day_required: its first rows
SELECT `household_id`, `last_day` FROM `marts`.`household_value` WHERE `last_day` IS NULL ORDER BY `household_id` LIMIT 5

-- recency_days_required: its first rows
SELECT `household_id`, `recency_days` FROM `marts`.`household_value` WHERE `recency_days` IS NULL ORDER BY `household_id` LIMIT 5

-- baskets_required: its first rows
SELECT `household_id`, `baskets` FROM `marts`.`household_value` WHERE `baskets` IS NULL ORDER BY `household_id` LIMIT 5

-- days_required: its first rows
SELECT `household_id`, `days` FROM `marts`.`household_value` WHERE `days` IS NULL ORDER BY `household_id` LIMIT 5

-- stores_required: its first rows
SELECT `household_id`, `stores` FROM `marts`.`household_value` WHERE `stores` IS NULL ORDER BY `household_id` LIMIT 5

-- units_required: its first rows
SELECT `household_id`, `units` FROM `marts`.`household_value` WHERE `units` IS NULL ORDER BY `household_id` LIMIT 5

-- sales_required: its first rows
SELECT `household_id`, `sales` FROM `marts`.`household_value` WHERE `sales` IS NULL ORDER BY `household_id` LIMIT 5

-- discount_required: its first rows
SELECT `household_id`, `discount` FROM `marts`.`household_value` WHERE `discount` IS NULL ORDER BY `household_id` LIMIT 5

-- redemptions_required: its first rows
SELECT `household_id`, `redemptions` FROM `marts`.`household_value` WHERE `redemptions` IS NULL ORDER BY `household_id` LIMIT 5

-- recency_score_required: its first rows
SELECT `household_id`, `recency_score` FROM `marts`.`household_value` WHERE `recency_score` IS NULL ORDER BY `household_id` LIMIT 5

-- frequency_score_required: its first rows
SELECT `household_id`, `frequency_score` FROM `marts`.`household_value` WHERE `frequency_score` IS NULL ORDER BY `household_id` LIMIT 5

-- monetary_score_required: its first rows
SELECT `household_id`, `monetary_score` FROM `marts`.`household_value` WHERE `monetary_score` IS NULL ORDER BY `household_id` LIMIT 5

-- recency_score_invalidValues: its first rows
SELECT `household_id`, `recency_score` FROM `marts`.`household_value` WHERE `recency_score` IS NOT NULL AND (`recency_score` < {least:Int64} OR `recency_score` > {most:Int64}) ORDER BY `household_id` LIMIT 5

-- frequency_score_invalidValues: its first rows
SELECT `household_id`, `frequency_score` FROM `marts`.`household_value` WHERE `frequency_score` IS NOT NULL AND (`frequency_score` < {least:Int64} OR `frequency_score` > {most:Int64}) ORDER BY `household_id` LIMIT 5

-- monetary_score_invalidValues: its first rows
SELECT `household_id`, `monetary_score` FROM `marts`.`household_value` WHERE `monetary_score` IS NOT NULL AND (`monetary_score` < {least:Int64} OR `monetary_score` > {most:Int64}) ORDER BY `household_id` LIMIT 5

-- rowCount: its first rows
none
