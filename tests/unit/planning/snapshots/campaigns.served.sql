SELECT
    countIf(`campaign_id` IS NOT NULL AND `household_id` IS NOT NULL) - uniqExactIf((`campaign_id`, `household_id`), `campaign_id` IS NOT NULL AND `household_id` IS NOT NULL) AS _0,
    countIf(`campaign_id` IS NULL) AS _1,
    countIf(`household_id` IS NULL) AS _2,
    count() AS _3,
    countIf(`campaign_id` IS NOT NULL AND (`campaign_id`) NOT IN (SELECT `campaign_id` FROM `retail`.`campaign_descriptions`)) AS _4
FROM `retail`.`campaigns`

{}

-- key_unique: its first rows
SELECT `campaign_id`, `household_id`, count() AS times FROM `retail`.`campaigns` WHERE `campaign_id` IS NOT NULL AND `household_id` IS NOT NULL GROUP BY `campaign_id`, `household_id` HAVING times > 1 ORDER BY `campaign_id`, `household_id` LIMIT 5

-- campaign_id_required: its first rows
SELECT `campaign_id`, `household_id` FROM `retail`.`campaigns` WHERE `campaign_id` IS NULL ORDER BY `campaign_id`, `household_id` LIMIT 5

-- household_id_required: its first rows
SELECT `campaign_id`, `household_id` FROM `retail`.`campaigns` WHERE `household_id` IS NULL ORDER BY `campaign_id`, `household_id` LIMIT 5

-- rowCount: its first rows
none

-- campaign_id_known: its first rows
SELECT `campaign_id`, `household_id` FROM `retail`.`campaigns` WHERE `campaign_id` IS NOT NULL AND (`campaign_id`) NOT IN (SELECT `campaign_id` FROM `retail`.`campaign_descriptions`) ORDER BY `campaign_id`, `household_id` LIMIT 5
