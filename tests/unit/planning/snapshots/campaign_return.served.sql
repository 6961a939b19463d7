SELECT
    countIf(`campaign_id` IS NOT NULL) - uniqExactIf(`campaign_id`, `campaign_id` IS NOT NULL) AS _0,
    countIf(`campaign_id` IS NULL) AS _1,
    countIf(`campaign_type` IS NULL) AS _2,
    countIf(`start_day` IS NULL) AS _3,
    countIf(`end_day` IS NULL) AS _4,
    countIf(`households` IS NULL) AS _5,
    countIf(`redeemers` IS NULL) AS _6,
    countIf(`redemptions` IS NULL) AS _7,
    countIf(`coupons` IS NULL) AS _8,
    countIf(`products` IS NULL) AS _9,
    countIf(`buyers` IS NULL) AS _10,
    countIf(`baskets` IS NULL) AS _11,
    countIf(`units` IS NULL) AS _12,
    countIf(`sales` IS NULL) AS _13,
    countIf(`discount` IS NULL) AS _14,
    count() AS _15
FROM `marts`.`campaign_return`

{}

-- key_unique: its first rows
SELECT `campaign_id`, count() AS times FROM `marts`.`campaign_return` WHERE `campaign_id` IS NOT NULL GROUP BY `campaign_id` HAVING times > 1 ORDER BY `campaign_id` LIMIT 5

-- campaign_id_required: its first rows
SELECT `campaign_id` FROM `marts`.`campaign_return` WHERE `campaign_id` IS NULL ORDER BY `campaign_id` LIMIT 5

-- campaign_type_required: its first rows
SELECT `campaign_id`, `campaign_type` FROM `marts`.`campaign_return` WHERE `campaign_type` IS NULL ORDER BY `campaign_id` LIMIT 5

-- start_day_required: its first rows
SELECT `campaign_id`, `start_day` FROM `marts`.`campaign_return` WHERE `start_day` IS NULL ORDER BY `campaign_id` LIMIT 5

-- end_day_required: its first rows
SELECT `campaign_id`, `end_day` FROM `marts`.`campaign_return` WHERE `end_day` IS NULL ORDER BY `campaign_id` LIMIT 5

-- households_required: its first rows
SELECT `campaign_id`, `households` FROM `marts`.`campaign_return` WHERE `households` IS NULL ORDER BY `campaign_id` LIMIT 5

-- redeemers_required: its first rows
SELECT `campaign_id`, `redeemers` FROM `marts`.`campaign_return` WHERE `redeemers` IS NULL ORDER BY `campaign_id` LIMIT 5

-- redemptions_required: its first rows
SELECT `campaign_id`, `redemptions` FROM `marts`.`campaign_return` WHERE `redemptions` IS NULL ORDER BY `campaign_id` LIMIT 5

-- coupons_required: its first rows
SELECT `campaign_id`, `coupons` FROM `marts`.`campaign_return` WHERE `coupons` IS NULL ORDER BY `campaign_id` LIMIT 5

-- products_required: its first rows
SELECT `campaign_id`, `products` FROM `marts`.`campaign_return` WHERE `products` IS NULL ORDER BY `campaign_id` LIMIT 5

-- buyers_required: its first rows
SELECT `campaign_id`, `buyers` FROM `marts`.`campaign_return` WHERE `buyers` IS NULL ORDER BY `campaign_id` LIMIT 5

-- baskets_required: its first rows
SELECT `campaign_id`, `baskets` FROM `marts`.`campaign_return` WHERE `baskets` IS NULL ORDER BY `campaign_id` LIMIT 5

-- units_required: its first rows
SELECT `campaign_id`, `units` FROM `marts`.`campaign_return` WHERE `units` IS NULL ORDER BY `campaign_id` LIMIT 5

-- sales_required: its first rows
SELECT `campaign_id`, `sales` FROM `marts`.`campaign_return` WHERE `sales` IS NULL ORDER BY `campaign_id` LIMIT 5

-- discount_required: its first rows
SELECT `campaign_id`, `discount` FROM `marts`.`campaign_return` WHERE `discount` IS NULL ORDER BY `campaign_id` LIMIT 5

-- rowCount: its first rows
none
