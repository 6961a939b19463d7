SELECT
    countIf(`campaign_id` IS NOT NULL) - uniqExactIf(`campaign_id`, `campaign_id` IS NOT NULL) AS _0,
    countIf(`campaign_id` IS NULL) AS _1,
    countIf(`campaign_type` IS NULL) AS _2,
    countIf(`start_date` IS NULL) AS _3,
    countIf(`end_date` IS NULL) AS _4,
    countIf(`campaign_type` IS NOT NULL AND `campaign_type` NOT IN {_5_values:Array(String)}) AS _5
FROM `retail`.`campaign_descriptions`

{
  "_5_values": [
    "Type A",
    "Type B",
    "Type C"
  ]
}

-- key_unique: its first rows
SELECT `campaign_id`, count() AS times FROM `retail`.`campaign_descriptions` WHERE `campaign_id` IS NOT NULL GROUP BY `campaign_id` HAVING times > 1 ORDER BY `campaign_id` LIMIT 5

-- campaign_id_required: its first rows
SELECT `campaign_id` FROM `retail`.`campaign_descriptions` WHERE `campaign_id` IS NULL ORDER BY `campaign_id` LIMIT 5

-- campaign_type_required: its first rows
SELECT `campaign_id`, `campaign_type` FROM `retail`.`campaign_descriptions` WHERE `campaign_type` IS NULL ORDER BY `campaign_id` LIMIT 5

-- start_date_required: its first rows
SELECT `campaign_id`, `start_date` FROM `retail`.`campaign_descriptions` WHERE `start_date` IS NULL ORDER BY `campaign_id` LIMIT 5

-- end_date_required: its first rows
SELECT `campaign_id`, `end_date` FROM `retail`.`campaign_descriptions` WHERE `end_date` IS NULL ORDER BY `campaign_id` LIMIT 5

-- campaign_type_invalidValues: its first rows
SELECT `campaign_id`, `campaign_type` FROM `retail`.`campaign_descriptions` WHERE `campaign_type` IS NOT NULL AND `campaign_type` NOT IN {values:Array(String)} ORDER BY `campaign_id` LIMIT 5

-- ends_after_start mustBe 0
SELECT count(*) FROM `retail`.`campaign_descriptions` WHERE end_date < start_date
-- its first rows
SELECT * FROM (SELECT * FROM `retail`.`campaign_descriptions` WHERE end_date < start_date) LIMIT 5
