CREATE SCHEMA IF NOT EXISTS "retail";

CREATE TABLE IF NOT EXISTS "retail"."offers" (
    "basket_id" bigint NOT NULL,
    "product_id" bigint NOT NULL,
    "household_id" text,
    "quantity" integer,
    "sales_value" numeric(12,2),
    "channel" text,
    "sold_on" date,
    "checked_out_at" timestamp with time zone,
    PRIMARY KEY ("basket_id", "product_id")
);

COMMENT ON COLUMN "retail"."offers"."basket_id" IS 'The basket_id.';

COMMENT ON COLUMN "retail"."offers"."product_id" IS 'The product_id.';

COMMENT ON COLUMN "retail"."offers"."household_id" IS 'The household_id.';

COMMENT ON COLUMN "retail"."offers"."quantity" IS 'The quantity.';

COMMENT ON COLUMN "retail"."offers"."sales_value" IS 'The sales_value.';

COMMENT ON COLUMN "retail"."offers"."channel" IS 'The channel.';

COMMENT ON COLUMN "retail"."offers"."sold_on" IS 'The sold_on.';

COMMENT ON COLUMN "retail"."offers"."checked_out_at" IS 'The checked_out_at.';
