SELECT
    countIf(`category` IS NOT NULL AND `other_category` IS NOT NULL) - uniqExactIf((`category`, `other_category`), `category` IS NOT NULL AND `other_category` IS NOT NULL) AS _0,
    countIf(`category` IS NULL) AS _1,
    countIf(`other_category` IS NULL) AS _2,
    countIf(`baskets_together` IS NULL) AS _3,
    countIf(`baskets` IS NULL) AS _4,
    countIf(`other_baskets` IS NULL) AS _5,
    countIf(`all_baskets` IS NULL) AS _6,
    countIf(`support` IS NULL) AS _7,
    countIf(`confidence` IS NULL) AS _8,
    countIf(`lift` IS NULL) AS _9,
    count() AS _10
FROM `marts`.`basket_affinity`

{}

-- key_unique: its first rows
SELECT `category`, `other_category`, count() AS times FROM `marts`.`basket_affinity` WHERE `category` IS NOT NULL AND `other_category` IS NOT NULL GROUP BY `category`, `other_category` HAVING times > 1 ORDER BY `category`, `other_category` LIMIT 5

-- category_required: its first rows
SELECT `category`, `other_category` FROM `marts`.`basket_affinity` WHERE `category` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- other_category_required: its first rows
SELECT `category`, `other_category` FROM `marts`.`basket_affinity` WHERE `other_category` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- baskets_together_required: its first rows
SELECT `category`, `other_category`, `baskets_together` FROM `marts`.`basket_affinity` WHERE `baskets_together` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- baskets_required: its first rows
SELECT `category`, `other_category`, `baskets` FROM `marts`.`basket_affinity` WHERE `baskets` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- other_baskets_required: its first rows
SELECT `category`, `other_category`, `other_baskets` FROM `marts`.`basket_affinity` WHERE `other_baskets` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- all_baskets_required: its first rows
SELECT `category`, `other_category`, `all_baskets` FROM `marts`.`basket_affinity` WHERE `all_baskets` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- support_required: its first rows
SELECT `category`, `other_category`, `support` FROM `marts`.`basket_affinity` WHERE `support` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- confidence_required: its first rows
SELECT `category`, `other_category`, `confidence` FROM `marts`.`basket_affinity` WHERE `confidence` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- lift_required: its first rows
SELECT `category`, `other_category`, `lift` FROM `marts`.`basket_affinity` WHERE `lift` IS NULL ORDER BY `category`, `other_category` LIMIT 5

-- rowCount: its first rows
none
