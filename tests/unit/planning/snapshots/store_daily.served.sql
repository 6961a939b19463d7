SELECT
    countIf(`day` IS NOT NULL AND `store_id` IS NOT NULL) - uniqExactIf((`day`, `store_id`), `day` IS NOT NULL AND `store_id` IS NOT NULL) AS _0,
    countIf(`day` IS NULL) AS _1,
    countIf(`store_id` IS NULL) AS _2,
    countIf(`baskets` IS NULL) AS _3,
    countIf(`households` IS NULL) AS _4,
    countIf(`lines` IS NULL) AS _5,
    countIf(`units` IS NULL) AS _6,
    countIf(`sales` IS NULL) AS _7,
    countIf(`discount` IS NULL) AS _8,
    count() AS _9
FROM `marts`.`store_daily`

{}

-- key_unique: its first rows
SELECT `day`, `store_id`, count() AS times FROM `marts`.`store_daily` WHERE `day` IS NOT NULL AND `store_id` IS NOT NULL GROUP BY `day`, `store_id` HAVING times > 1 ORDER BY `day`, `store_id` LIMIT 5

-- day_required: its first rows
SELECT `day`, `store_id` FROM `marts`.`store_daily` WHERE `day` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- store_id_required: its first rows
SELECT `day`, `store_id` FROM `marts`.`store_daily` WHERE `store_id` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- baskets_required: its first rows
SELECT `day`, `store_id`, `baskets` FROM `marts`.`store_daily` WHERE `baskets` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- households_required: its first rows
SELECT `day`, `store_id`, `households` FROM `marts`.`store_daily` WHERE `households` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- lines_required: its first rows
SELECT `day`, `store_id`, `lines` FROM `marts`.`store_daily` WHERE `lines` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- units_required: its first rows
SELECT `day`, `store_id`, `units` FROM `marts`.`store_daily` WHERE `units` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- sales_required: its first rows
SELECT `day`, `store_id`, `sales` FROM `marts`.`store_daily` WHERE `sales` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- discount_required: its first rows
SELECT `day`, `store_id`, `discount` FROM `marts`.`store_daily` WHERE `discount` IS NULL ORDER BY `day`, `store_id` LIMIT 5

-- rowCount: its first rows
none
