SELECT
    countIf(`household_id` IS NOT NULL) - uniqExactIf(`household_id`, `household_id` IS NOT NULL) AS _0,
    countIf(`household_id` IS NULL) AS _1,
    countIf(`age` IS NULL) AS _2,
    countIf(`income` IS NULL) AS _3,
    countIf(`household_size` IS NULL) AS _4,
    countIf(`household_composition` IS NULL) AS _5,
    countIf(`kids_count` IS NULL) AS _6,
    countIf(`household_size` IS NOT NULL AND `household_size` NOT IN {_7_values:Array(String)}) AS _7,
    count() AS _8
FROM `retail`.`households`

{
  "_7_values": [
    "1",
    "2",
    "3",
    "4",
    "5+"
  ]
}

-- key_unique: its first rows
SELECT `household_id`, count() AS times FROM `retail`.`households` WHERE `household_id` IS NOT NULL GROUP BY `household_id` HAVING times > 1 ORDER BY `household_id` LIMIT 5

-- household_id_required: its first rows
SELECT `household_id` FROM `retail`.`households` WHERE `household_id` IS NULL ORDER BY `household_id` LIMIT 5

-- age_required: its first rows
SELECT `household_id`, `age` FROM `retail`.`households` WHERE `age` IS NULL ORDER BY `household_id` LIMIT 5

-- income_required: its first rows
SELECT `household_id`, `income` FROM `retail`.`households` WHERE `income` IS NULL ORDER BY `household_id` LIMIT 5

-- household_size_required: its first rows
SELECT `household_id`, `household_size` FROM `retail`.`households` WHERE `household_size` IS NULL ORDER BY `household_id` LIMIT 5

-- household_composition_required: its first rows
SELECT `household_id`, `household_composition` FROM `retail`.`households` WHERE `household_composition` IS NULL ORDER BY `household_id` LIMIT 5

-- kids_count_required: its first rows
SELECT `household_id`, `kids_count` FROM `retail`.`households` WHERE `kids_count` IS NULL ORDER BY `household_id` LIMIT 5

-- household_size_invalidValues: its first rows
SELECT `household_id`, `household_size` FROM `retail`.`households` WHERE `household_size` IS NOT NULL AND `household_size` NOT IN {values:Array(String)} ORDER BY `household_id` LIMIT 5

-- rowCount: its first rows
none
