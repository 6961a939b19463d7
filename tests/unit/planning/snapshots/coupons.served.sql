SELECT
    countIf(`coupon_id` IS NOT NULL) - uniqExactIf(`coupon_id`, `coupon_id` IS NOT NULL) AS _0,
    countIf(`coupon_id` IS NULL) AS _1,
    countIf(`coupon_upc` IS NULL) AS _2,
    countIf(`product_id` IS NULL) AS _3,
    countIf(`campaign_id` IS NULL) AS _4,
    countIf(`coupon_upc` IS NOT NULL AND (`coupon_upc` < {_5_least:Int64})) AS _5,
    count() AS _6,
    countIf(`product_id` IS NOT NULL AND (`product_id`) NOT IN (SELECT `product_id` FROM `retail`.`products`)) AS _7,
    countIf(`campaign_id` IS NOT NULL AND (`campaign_id`) NOT IN (SELECT `campaign_id` FROM `retail`.`campaign_descriptions`)) AS _8
FROM `retail`.`coupons`

{
  "_5_least": 1
}

-- key_unique: its first rows
SELECT `coupon_id`, count() AS times FROM `retail`.`coupons` WHERE `coupon_id` IS NOT NULL GROUP BY `coupon_id` HAVING times > 1 ORDER BY `coupon_id` LIMIT 5

-- coupon_id_required: its first rows
SELECT `coupon_id` FROM `retail`.`coupons` WHERE `coupon_id` IS NULL ORDER BY `coupon_id` LIMIT 5

-- coupon_upc_required: its first rows
SELECT `coupon_id`, `coupon_upc` FROM `retail`.`coupons` WHERE `coupon_upc` IS NULL ORDER BY `coupon_id` LIMIT 5

-- product_id_required: its first rows
SELECT `coupon_id`, `product_id` FROM `retail`.`coupons` WHERE `product_id` IS NULL ORDER BY `coupon_id` LIMIT 5

-- campaign_id_required: its first rows
SELECT `coupon_id`, `campaign_id` FROM `retail`.`coupons` WHERE `campaign_id` IS NULL ORDER BY `coupon_id` LIMIT 5

-- coupon_upc_invalidValues: its first rows
SELECT `coupon_id`, `coupon_upc` FROM `retail`.`coupons` WHERE `coupon_upc` IS NOT NULL AND (`coupon_upc` < {least:Int64}) ORDER BY `coupon_id` LIMIT 5

-- rowCount: its first rows
none

-- product_id_known: its first rows
SELECT `coupon_id`, `product_id` FROM `retail`.`coupons` WHERE `product_id` IS NOT NULL AND (`product_id`) NOT IN (SELECT `product_id` FROM `retail`.`products`) ORDER BY `coupon_id` LIMIT 5

-- campaign_id_known: its first rows
SELECT `coupon_id`, `campaign_id` FROM `retail`.`coupons` WHERE `campaign_id` IS NOT NULL AND (`campaign_id`) NOT IN (SELECT `campaign_id` FROM `retail`.`campaign_descriptions`) ORDER BY `coupon_id` LIMIT 5
