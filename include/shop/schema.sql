-- OLTP schema of the example shop: seven tables in `retail`, bookkeeping tables in `shop`. Idempotent.
-- Run by include/shop/schema.py, which replaces the names in braces.
-- Bookkeeping is not in `retail`, because the publication includes every table of that schema.

CREATE SCHEMA IF NOT EXISTS retail;
CREATE SCHEMA IF NOT EXISTS shop;
COMMENT ON SCHEMA retail IS 'What the shop sells, to whom, under which campaigns. Published for change data capture.';
COMMENT ON SCHEMA shop IS 'Bookkeeping of the history loader and the live shop. Not published.';

CREATE TABLE IF NOT EXISTS retail.products (
    product_id       bigint  PRIMARY KEY,
    manufacturer_id  integer NOT NULL,
    department       text    NOT NULL,
    brand            text    NOT NULL CHECK (brand IN ('National', 'Private')),
    product_category text,
    product_type     text,
    package_size     text
);
COMMENT ON TABLE retail.products IS 'Product catalogue. Tills may book products that it does not list.';
COMMENT ON COLUMN retail.products.department IS 'Department the product is shelved in.';
COMMENT ON COLUMN retail.products.brand IS 'National for a manufacturer''s brand, Private for the chain''s own.';
COMMENT ON COLUMN retail.products.package_size IS 'Size as printed on the package; null when unknown.';

CREATE TABLE IF NOT EXISTS retail.households (
    household_id          bigint PRIMARY KEY,
    age                   text   NOT NULL,
    income                text   NOT NULL,
    home_ownership        text,
    marital_status        text,
    household_size        text   NOT NULL,
    household_composition text   NOT NULL,
    kids_count            text   NOT NULL
);
COMMENT ON TABLE retail.households IS
    'Demographics of the households that gave them; most shopping households have no row here.';
COMMENT ON COLUMN retail.households.age IS 'Age bracket of the card holder, in years.';
COMMENT ON COLUMN retail.households.income IS 'Yearly income bracket, thousand USD.';

CREATE TABLE IF NOT EXISTS retail.campaign_descriptions (
    campaign_id   integer PRIMARY KEY,
    campaign_type text    NOT NULL CHECK (campaign_type IN ('Type A', 'Type B', 'Type C')),
    start_date    date    NOT NULL,
    end_date      date    NOT NULL,
    CONSTRAINT campaign_descriptions_end_after_start CHECK (end_date >= start_date)
);
COMMENT ON TABLE retail.campaign_descriptions IS 'Marketing campaigns: kind and duration.';

CREATE TABLE IF NOT EXISTS retail.campaigns (
    campaign_id  integer NOT NULL REFERENCES retail.campaign_descriptions (campaign_id),
    household_id bigint  NOT NULL,
    PRIMARY KEY (campaign_id, household_id)
);
COMMENT ON TABLE retail.campaigns IS 'Which household received which campaign.';

CREATE TABLE IF NOT EXISTS retail.coupons (
    coupon_id   bigint  PRIMARY KEY,
    coupon_upc  bigint  NOT NULL,
    product_id  bigint  NOT NULL,
    campaign_id integer NOT NULL REFERENCES retail.campaign_descriptions (campaign_id)
);
COMMENT ON TABLE retail.coupons IS
    'Coupon, product and campaign. A combination may occur more than once, so coupon_id is the key.';
COMMENT ON COLUMN retail.coupons.coupon_upc IS 'Code printed on the coupon; one code covers many products.';

CREATE TABLE IF NOT EXISTS retail.coupon_redemptions (
    household_id    bigint  NOT NULL,
    coupon_upc      bigint  NOT NULL,
    campaign_id     integer NOT NULL,
    redemption_date date    NOT NULL,
    PRIMARY KEY (household_id, coupon_upc, campaign_id, redemption_date),
    FOREIGN KEY (campaign_id, household_id) REFERENCES retail.campaigns (campaign_id, household_id)
);
COMMENT ON TABLE retail.coupon_redemptions IS 'A coupon handed in by a household, at most once a day.';

CREATE TABLE IF NOT EXISTS retail.transactions (
    basket_id             bigint        NOT NULL,
    product_id            bigint        NOT NULL,
    household_id          bigint,
    store_id              integer       NOT NULL,
    quantity              integer       NOT NULL,
    sales_value           numeric(12,2) NOT NULL,
    retail_discount       numeric(12,2) NOT NULL,
    coupon_discount       numeric(12,2) NOT NULL,
    coupon_match_discount numeric(12,2) NOT NULL,
    week                  smallint      NOT NULL CHECK (week BETWEEN 1 AND 53),
    checked_out_at        timestamptz   NOT NULL,
    PRIMARY KEY (basket_id, product_id),
    CONSTRAINT transactions_amounts_follow_quantity CHECK (
        CASE WHEN quantity < 0
             THEN greatest(sales_value, retail_discount, coupon_discount, coupon_match_discount) <= 0
             ELSE least(sales_value, retail_discount, coupon_discount, coupon_match_discount) >= 0
        END)
);
COMMENT ON TABLE retail.transactions IS 'One product on one checked-out basket, as the till booked it.';
COMMENT ON COLUMN retail.transactions.household_id IS 'Loyalty household; null when no card was shown.';
COMMENT ON COLUMN retail.transactions.quantity IS
    'Units sold, negative for a return; fuel is counted in thousandths of a gallon.';
COMMENT ON COLUMN retail.transactions.sales_value IS 'Amount the retailer received, USD; negative for a return.';
COMMENT ON COLUMN retail.transactions.retail_discount IS 'Loyalty-card discount, USD, positive on a sale.';
COMMENT ON COLUMN retail.transactions.coupon_discount IS 'Manufacturer coupon discount, USD, positive on a sale.';
COMMENT ON COLUMN retail.transactions.coupon_match_discount IS
    'Retailer''s match of the manufacturer coupon, USD, positive on a sale.';
COMMENT ON COLUMN retail.transactions.week IS 'Week of the programme year, 1 to 53.';
COMMENT ON COLUMN retail.transactions.checked_out_at IS 'Instant of check-out. The event time.';

CREATE TABLE IF NOT EXISTS shop.loads (
    dataset   text             PRIMARY KEY,
    sample    text             NOT NULL,
    rows      bigint           NOT NULL,
    seconds   double precision NOT NULL,
    loaded_at timestamptz      NOT NULL DEFAULT now()
);
COMMENT ON TABLE shop.loads IS 'One row per dataset whose history is loaded, written in the transaction that loaded it.';
CREATE SEQUENCE IF NOT EXISTS shop.runs;
COMMENT ON SEQUENCE shop.runs IS 'Numbers the runs of the live shop; each run has basket ids of its own.';

-- Change data capture needs complete `before` images. No table is locked if there is nothing to alter.
DO $$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'retail'::regnamespace AND relkind = 'r' AND relreplident <> 'f'
    LOOP
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', found);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = {publication_name}) THEN
        EXECUTE format('CREATE PUBLICATION %I FOR TABLES IN SCHEMA retail', {publication_name});
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {cdc_name}) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', {cdc_name});
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {cdc_name} AND rolreplication) THEN
        EXECUTE format('ALTER ROLE %I REPLICATION', {cdc_name});
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {shop_name}) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', {shop_name});
    END IF;
END
$$;

GRANT USAGE ON SCHEMA retail TO {cdc_role}, {shop_role};
GRANT SELECT ON ALL TABLES IN SCHEMA retail TO {cdc_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA retail TO {shop_role};
ALTER DEFAULT PRIVILEGES IN SCHEMA retail GRANT SELECT ON TABLES TO {cdc_role};
ALTER DEFAULT PRIVILEGES IN SCHEMA retail GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {shop_role};
GRANT USAGE ON SCHEMA shop TO {shop_role};
GRANT SELECT, INSERT ON shop.loads TO {shop_role};
GRANT USAGE ON SEQUENCE shop.runs TO {shop_role};
