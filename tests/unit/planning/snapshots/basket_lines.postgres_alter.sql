ALTER TABLE "retail"."basket_lines" ALTER COLUMN "quantity" TYPE bigint;
ALTER TABLE "retail"."basket_lines" ALTER COLUMN "sales_value" TYPE numeric(14,2);
COMMENT ON COLUMN "retail"."basket_lines"."channel" IS 'It''s how.';
ALTER TABLE "retail"."basket_lines" ADD COLUMN IF NOT EXISTS "weight" numeric(9,3);
COMMENT ON COLUMN "retail"."basket_lines"."weight" IS 'The weight.';
