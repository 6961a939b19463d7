SELECT
    countIf(`household_id` IS NOT NULL AND `coupon_upc` IS NOT NULL AND `campaign_id` IS NOT NULL AND `redemption_date` IS NOT NULL) - uniqExactIf((`household_id`, `coupon_upc`, `campaign_id`, `redemption_date`), `household_id` IS NOT NULL AND `coupon_upc` IS NOT NULL AND `campaign_id` IS NOT NULL AND `redemption_date` IS NOT NULL) AS _0,
    countIf(`household_id` IS NULL) AS _1,
    countIf(`coupon_upc` IS NULL) AS _2,
    countIf(`campaign_id` IS NULL) AS _3,
    countIf(`redemption_date` IS NULL) AS _4,
    countIf(`campaign_id` IS NOT NULL AND `household_id` IS NOT NULL AND (`campaign_id`, `household_id`) NOT IN (SELECT `campaign_id`, `household_id` FROM `retail`.`campaigns`)) AS _5,
    countIf(`coupon_upc` IS NOT NULL AND `campaign_id` IS NOT NULL AND (`coupon_upc`, `campaign_id`) NOT IN (SELECT `coupon_upc`, `campaign_id` FROM `retail`.`coupons`)) AS _6
FROM `retail`.`coupon_redemptions`

{}

-- key_unique: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date`, count() AS times FROM `retail`.`coupon_redemptions` WHERE `household_id` IS NOT NULL AND `coupon_upc` IS NOT NULL AND `campaign_id` IS NOT NULL AND `redemption_date` IS NOT NULL GROUP BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` HAVING times > 1 ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- household_id_required: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `household_id` IS NULL ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- coupon_upc_required: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `coupon_upc` IS NULL ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- campaign_id_required: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `campaign_id` IS NULL ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- redemption_date_required: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `redemption_date` IS NULL ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- household_had_the_campaign: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `campaign_id` IS NOT NULL AND `household_id` IS NOT NULL AND (`campaign_id`, `household_id`) NOT IN (SELECT `campaign_id`, `household_id` FROM `retail`.`campaigns`) ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- coupon_of_the_campaign: its first rows
SELECT `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` FROM `retail`.`coupon_redemptions` WHERE `coupon_upc` IS NOT NULL AND `campaign_id` IS NOT NULL AND (`coupon_upc`, `campaign_id`) NOT IN (SELECT `coupon_upc`, `campaign_id` FROM `retail`.`coupons`) ORDER BY `household_id`, `coupon_upc`, `campaign_id`, `redemption_date` LIMIT 5

-- not_in_the_future mustBe 0
SELECT count(*) FROM `retail`.`coupon_redemptions` WHERE redemption_date > today() + 1
-- its first rows
SELECT * FROM (SELECT * FROM `retail`.`coupon_redemptions` WHERE redemption_date > today() + 1) LIMIT 5
