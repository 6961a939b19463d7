SELECT
    countIf(`product_id` IS NOT NULL) - uniqExactIf(`product_id`, `product_id` IS NOT NULL) AS _0,
    countIf(`product_id` IS NULL) AS _1,
    countIf(`manufacturer_id` IS NULL) AS _2,
    countIf(`department` IS NULL) AS _3,
    countIf(`brand` IS NULL) AS _4,
    countIf(`department` IS NOT NULL AND `department` IN {_5_values:Array(String)}) AS _5,
    countIf(`brand` IS NOT NULL AND `brand` NOT IN {_6_values:Array(String)}) AS _6,
    count() AS _7
FROM `retail`.`products`

{
  "_5_values": [
    ""
  ],
  "_6_values": [
    "National",
    "Private"
  ]
}

-- key_unique: its first rows
SELECT `product_id`, count() AS times FROM `retail`.`products` WHERE `product_id` IS NOT NULL GROUP BY `product_id` HAVING times > 1 ORDER BY `product_id` LIMIT 5

-- product_id_required: its first rows
SELECT `product_id` FROM `retail`.`products` WHERE `product_id` IS NULL ORDER BY `product_id` LIMIT 5

-- manufacturer_id_required: its first rows
SELECT `product_id`, `manufacturer_id` FROM `retail`.`products` WHERE `manufacturer_id` IS NULL ORDER BY `product_id` LIMIT 5

-- department_required: its first rows
SELECT `product_id`, `department` FROM `retail`.`products` WHERE `department` IS NULL ORDER BY `product_id` LIMIT 5

-- brand_required: its first rows
SELECT `product_id`, `brand` FROM `retail`.`products` WHERE `brand` IS NULL ORDER BY `product_id` LIMIT 5

-- department_missingValues: its first rows
SELECT `product_id`, `department` FROM `retail`.`products` WHERE `department` IS NOT NULL AND `department` IN {values:Array(String)} ORDER BY `product_id` LIMIT 5

-- brand_invalidValues: its first rows
SELECT `product_id`, `brand` FROM `retail`.`products` WHERE `brand` IS NOT NULL AND `brand` NOT IN {values:Array(String)} ORDER BY `product_id` LIMIT 5

-- rowCount: its first rows
none
