SELECT
    countIf(`week` IS NOT NULL AND `store_id` IS NOT NULL AND `department` IS NOT NULL AND `promoted` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL) - uniqExactIf((`week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`), `week` IS NOT NULL AND `store_id` IS NOT NULL AND `department` IS NOT NULL AND `promoted` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL) AS _0,
    countIf(`week` IS NULL) AS _1,
    countIf(`store_id` IS NULL) AS _2,
    countIf(`department` IS NULL) AS _3,
    countIf(`promoted` IS NULL) AS _4,
    countIf(`display_location` IS NULL) AS _5,
    countIf(`mailer_location` IS NULL) AS _6,
    countIf(`products` IS NULL) AS _7,
    countIf(`products_sold` IS NULL) AS _8,
    countIf(`baskets` IS NULL) AS _9,
    countIf(`lines` IS NULL) AS _10,
    countIf(`units` IS NULL) AS _11,
    countIf(`sales` IS NULL) AS _12,
    countIf(`discount` IS NULL) AS _13,
    count() AS _14
FROM `marts`.`promotion_effectiveness`

{}

-- key_unique: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, count() AS times FROM `marts`.`promotion_effectiveness` WHERE `week` IS NOT NULL AND `store_id` IS NOT NULL AND `department` IS NOT NULL AND `promoted` IS NOT NULL AND `display_location` IS NOT NULL AND `mailer_location` IS NOT NULL GROUP BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` HAVING times > 1 ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- week_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `week` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- store_id_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `store_id` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- department_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `department` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- promoted_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `promoted` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- display_location_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `display_location` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- mailer_location_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` FROM `marts`.`promotion_effectiveness` WHERE `mailer_location` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- products_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `products` FROM `marts`.`promotion_effectiveness` WHERE `products` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- products_sold_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `products_sold` FROM `marts`.`promotion_effectiveness` WHERE `products_sold` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- baskets_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `baskets` FROM `marts`.`promotion_effectiveness` WHERE `baskets` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- lines_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `lines` FROM `marts`.`promotion_effectiveness` WHERE `lines` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- units_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `units` FROM `marts`.`promotion_effectiveness` WHERE `units` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- sales_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `sales` FROM `marts`.`promotion_effectiveness` WHERE `sales` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- discount_required: its first rows
SELECT `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location`, `discount` FROM `marts`.`promotion_effectiveness` WHERE `discount` IS NULL ORDER BY `week`, `store_id`, `department`, `promoted`, `display_location`, `mailer_location` LIMIT 5

-- rowCount: its first rows
none
