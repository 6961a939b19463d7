ALTER TABLE `retail`.`basket_lines_changes` MODIFY COLUMN `quantity` Nullable(Int64);

ALTER TABLE `retail`.`basket_lines_changes` COMMENT COLUMN `channel` 'How.';

ALTER TABLE `retail`.`basket_lines_changes` ADD COLUMN IF NOT EXISTS `weight` Nullable(Decimal(9, 3)) COMMENT 'The weight.' AFTER `checked_out_at`;

ALTER TABLE `retail`.`basket_lines_changes` ADD COLUMN IF NOT EXISTS `till` Int32 DEFAULT 1 COMMENT 'The till.' AFTER `weight`;

ALTER TABLE `retail`.`basket_lines_state` MODIFY COLUMN `quantity` Nullable(Int64);

ALTER TABLE `retail`.`basket_lines_state` COMMENT COLUMN `channel` 'How.';

ALTER TABLE `retail`.`basket_lines_state` ADD COLUMN IF NOT EXISTS `weight` Nullable(Decimal(9, 3)) COMMENT 'The weight.' AFTER `checked_out_at`;

ALTER TABLE `retail`.`basket_lines_state` ADD COLUMN IF NOT EXISTS `till` Int32 DEFAULT 1 COMMENT 'The till.' AFTER `weight`;

CREATE OR REPLACE VIEW `retail`.`basket_lines` AS
SELECT `basket_id`, `product_id`, `household_id`, `quantity`, `sales_value`, `channel`, `sold_on`, `checked_out_at`, `weight`, `till` FROM `retail`.`basket_lines_state` FINAL;
