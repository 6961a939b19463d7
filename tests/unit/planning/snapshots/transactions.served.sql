SELECT
    countIf(`basket_id` IS NOT NULL AND `product_id` IS NOT NULL) - uniqExactIf((`basket_id`, `product_id`), `basket_id` IS NOT NULL AND `product_id` IS NOT NULL) AS _0,
    countIf(`basket_id` IS NULL) AS _1,
    countIf(`product_id` IS NULL) AS _2,
    countIf(`store_id` IS NULL) AS _3,
    countIf(`quantity` IS NULL) AS _4,
    countIf(`sales_value` IS NULL) AS _5,
    countIf(`retail_discount` IS NULL) AS _6,
    countIf(`coupon_discount` IS NULL) AS _7,
    countIf(`coupon_match_discount` IS NULL) AS _8,
    countIf(`week` IS NULL) AS _9,
    countIf(`checked_out_at` IS NULL) AS _10,
    countIf(`quantity` IS NOT NULL AND (`quantity` < {_11_least:Int64} OR `quantity` > {_11_most:Int64})) AS _11,
    countIf(`week` IS NOT NULL AND (`week` < {_12_least:Int64} OR `week` > {_12_most:Int64})) AS _12,
    countIf(`product_id` IS NOT NULL AND (`product_id`) NOT IN (SELECT `product_id` FROM `retail`.`products`)) AS _13
FROM `retail`.`transactions`

{
  "_11_least": -100000,
  "_11_most": 100000,
  "_12_least": 1,
  "_12_most": 53
}

-- key_unique: its first rows
SELECT `basket_id`, `product_id`, count() AS times FROM `retail`.`transactions` WHERE `basket_id` IS NOT NULL AND `product_id` IS NOT NULL GROUP BY `basket_id`, `product_id` HAVING times > 1 ORDER BY `basket_id`, `product_id` LIMIT 5

-- basket_id_required: its first rows
SELECT `basket_id`, `product_id` FROM `retail`.`transactions` WHERE `basket_id` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- product_id_required: its first rows
SELECT `basket_id`, `product_id` FROM `retail`.`transactions` WHERE `product_id` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- store_id_required: its first rows
SELECT `basket_id`, `product_id`, `store_id` FROM `retail`.`transactions` WHERE `store_id` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- quantity_required: its first rows
SELECT `basket_id`, `product_id`, `quantity` FROM `retail`.`transactions` WHERE `quantity` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- sales_value_required: its first rows
SELECT `basket_id`, `product_id`, `sales_value` FROM `retail`.`transactions` WHERE `sales_value` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- retail_discount_required: its first rows
SELECT `basket_id`, `product_id`, `retail_discount` FROM `retail`.`transactions` WHERE `retail_discount` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- coupon_discount_required: its first rows
SELECT `basket_id`, `product_id`, `coupon_discount` FROM `retail`.`transactions` WHERE `coupon_discount` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- coupon_match_discount_required: its first rows
SELECT `basket_id`, `product_id`, `coupon_match_discount` FROM `retail`.`transactions` WHERE `coupon_match_discount` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- week_required: its first rows
SELECT `basket_id`, `product_id`, `week` FROM `retail`.`transactions` WHERE `week` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- checked_out_at_required: its first rows
SELECT `basket_id`, `product_id`, `checked_out_at` FROM `retail`.`transactions` WHERE `checked_out_at` IS NULL ORDER BY `basket_id`, `product_id` LIMIT 5

-- quantity_invalidValues: its first rows
SELECT `basket_id`, `product_id`, `quantity` FROM `retail`.`transactions` WHERE `quantity` IS NOT NULL AND (`quantity` < {least:Int64} OR `quantity` > {most:Int64}) ORDER BY `basket_id`, `product_id` LIMIT 5

-- week_invalidValues: its first rows
SELECT `basket_id`, `product_id`, `week` FROM `retail`.`transactions` WHERE `week` IS NOT NULL AND (`week` < {least:Int64} OR `week` > {most:Int64}) ORDER BY `basket_id`, `product_id` LIMIT 5

-- product_id_known: its first rows
SELECT `basket_id`, `product_id` FROM `retail`.`transactions` WHERE `product_id` IS NOT NULL AND (`product_id`) NOT IN (SELECT `product_id` FROM `retail`.`products`) ORDER BY `basket_id`, `product_id` LIMIT 5

-- amounts_follow_quantity mustBe 0
SELECT count(*) FROM `retail`.`transactions` WHERE if(quantity < 0, greatest(sales_value, retail_discount, coupon_discount, coupon_match_discount) > 0, least(sales_value, retail_discount, coupon_discount, coupon_match_discount) < 0)
-- its first rows
SELECT * FROM (SELECT * FROM `retail`.`transactions` WHERE if(quantity < 0, greatest(sales_value, retail_discount, coupon_discount, coupon_match_discount) > 0, least(sales_value, retail_discount, coupon_discount, coupon_match_discount) < 0)) LIMIT 5

-- one_till_per_basket mustBe 0
SELECT count(*) FROM (SELECT basket_id FROM `retail`.`transactions` GROUP BY basket_id HAVING uniqExact(store_id, checked_out_at) > 1)
-- its first rows
SELECT * FROM (SELECT * FROM (SELECT basket_id FROM `retail`.`transactions` GROUP BY basket_id HAVING uniqExact(store_id, checked_out_at) > 1)) LIMIT 5
