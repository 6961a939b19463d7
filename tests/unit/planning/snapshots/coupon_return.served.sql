SELECT
    countIf(`campaign_id` IS NOT NULL AND `coupon_upc` IS NOT NULL) - uniqExactIf((`campaign_id`, `coupon_upc`), `campaign_id` IS NOT NULL AND `coupon_upc` IS NOT NULL) AS _0,
    countIf(`campaign_id` IS NULL) AS _1,
    countIf(`coupon_upc` IS NULL) AS _2,
    countIf(`products` IS NULL) AS _3,
    countIf(`households` IS NULL) AS _4,
    countIf(`redemptions` IS NULL) AS _5,
    countIf(`redeemers` IS NULL) AS _6,
    count() AS _7
FROM `marts`.`coupon_return`

{}

-- key_unique: its first rows
SELECT `campaign_id`, `coupon_upc`, count() AS times FROM `marts`.`coupon_return` WHERE `campaign_id` IS NOT NULL AND `coupon_upc` IS NOT NULL GROUP BY `campaign_id`, `coupon_upc` HAVING times > 1 ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- campaign_id_required: its first rows
SELECT `campaign_id`, `coupon_upc` FROM `marts`.`coupon_return` WHERE `campaign_id` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- coupon_upc_required: its first rows
SELECT `campaign_id`, `coupon_upc` FROM `marts`.`coupon_return` WHERE `coupon_upc` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- products_required: its first rows
SELECT `campaign_id`, `coupon_upc`, `products` FROM `marts`.`coupon_return` WHERE `products` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- households_required: its first rows
SELECT `campaign_id`, `coupon_upc`, `households` FROM `marts`.`coupon_return` WHERE `households` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- redemptions_required: its first rows
SELECT `campaign_id`, `coupon_upc`, `redemptions` FROM `marts`.`coupon_return` WHERE `redemptions` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- redeemers_required: its first rows
SELECT `campaign_id`, `coupon_upc`, `redeemers` FROM `marts`.`coupon_return` WHERE `redeemers` IS NULL ORDER BY `campaign_id`, `coupon_upc` LIMIT 5

-- rowCount: its first rows
none
