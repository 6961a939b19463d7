SELECT
    countIf(`day` IS NOT NULL AND `department` IS NOT NULL) - uniqExactIf((`day`, `department`), `day` IS NOT NULL AND `department` IS NOT NULL) AS _0,
    countIf(`day` IS NULL) AS _1,
    countIf(`department` IS NULL) AS _2,
    countIf(`baskets` IS NULL) AS _3,
    countIf(`households` IS NULL) AS _4,
    countIf(`lines` IS NULL) AS _5,
    countIf(`units` IS NULL) AS _6,
    countIf(`sales` IS NULL) AS _7,
    countIf(`discount` IS NULL) AS _8,
    count() AS _9
FROM `marts`.`department_daily`

{}

-- key_unique: its first rows
SELECT `day`, `department`, count() AS times FROM `marts`.`department_daily` WHERE `day` IS NOT NULL AND `department` IS NOT NULL GROUP BY `day`, `department` HAVING times > 1 ORDER BY `day`, `department` LIMIT 5

-- day_required: its first rows
SELECT `day`, `department` FROM `marts`.`department_daily` WHERE `day` IS NULL ORDER BY `day`, `department` LIMIT 5

-- department_required: its first rows
SELECT `day`, `department` FROM `marts`.`department_daily` WHERE `department` IS NULL ORDER BY `day`, `department` LIMIT 5

-- baskets_required: its first rows
SELECT `day`, `department`, `baskets` FROM `marts`.`department_daily` WHERE `baskets` IS NULL ORDER BY `day`, `department` LIMIT 5

-- households_required: its first rows
SELECT `day`, `department`, `households` FROM `marts`.`department_daily` WHERE `households` IS NULL ORDER BY `day`, `department` LIMIT 5

-- lines_required: its first rows
SELECT `day`, `department`, `lines` FROM `marts`.`department_daily` WHERE `lines` IS NULL ORDER BY `day`, `department` LIMIT 5

-- units_required: its first rows
SELECT `day`, `department`, `units` FROM `marts`.`department_daily` WHERE `units` IS NULL ORDER BY `day`, `department` LIMIT 5

-- sales_required: its first rows
SELECT `day`, `department`, `sales` FROM `marts`.`department_daily` WHERE `sales` IS NULL ORDER BY `day`, `department` LIMIT 5

-- discount_required: its first rows
SELECT `day`, `department`, `discount` FROM `marts`.`department_daily` WHERE `discount` IS NULL ORDER BY `day`, `department` LIMIT 5

-- rowCount: its first rows
none
