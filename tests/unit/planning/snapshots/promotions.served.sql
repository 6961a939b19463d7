SELECT
    countIf(`product_id` IS NOT NULL AND `store_id` IS NOT NULL AND `week` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL) - uniqExactIf((`product_id`, `store_id`, `week`, `display_location`, `mailer_location`), `product_id` IS NOT NULL AND `store_id` IS NOT NULL AND `week` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL) AS _0,
    countIf(`product_id` IS NULL) AS _1,
    countIf(`store_id` IS NULL) AS _2,
    countIf(`week` IS NULL) AS _3,
    countIf(`display_location` IS NULL) AS _4,
    countIf(`mailer_location` IS NULL) AS _5,
    countIf(`week` IS NOT NULL AND (`week` < {_6_least:Int64} OR `week` > {_6_most:Int64})) AS _6,
    countIf(`display_location` IS NOT NULL AND NOT match(`display_location`, {_7_pattern:String})) AS _7,
    countIf(`mailer_location` IS NOT NULL AND NOT match(`mailer_location`, {_8_pattern:String})) AS _8
FROM `retail`.`promotions`

{
  "_6_least": 1,
  "_6_most": 53,
  "_7_pattern": "^[0-9A-Z]$",
  "_8_pattern": "^[0-9A-Z]$"
}

-- key_unique: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location`, count() AS times FROM `retail`.`promotions` WHERE `product_id` IS NOT NULL AND `store_id` IS NOT NULL AND `week` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL GROUP BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` HAVING times > 1 ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- product_id_required: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `product_id` IS NULL ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- store_id_required: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `store_id` IS NULL ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- week_required: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `week` IS NULL ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- display_location_required: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `display_location` IS NULL ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- mailer_location_required: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `mailer_location` IS NULL ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- week_invalidValues: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `week` IS NOT NULL AND (`week` < {least:Int64} OR `week` > {most:Int64}) ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- display_location_invalidValues: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `display_location` IS NOT NULL AND NOT match(`display_location`, {pattern:String}) ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5

-- mailer_location_invalidValues: its first rows
SELECT `product_id`, `store_id`, `week`, `display_location`, `mailer_location` FROM `retail`.`promotions` WHERE `mailer_location` IS NOT NULL AND NOT match(`mailer_location`, {pattern:String}) ORDER BY `product_id`, `store_id`, `week`, `display_location`, `mailer_location` LIMIT 5
