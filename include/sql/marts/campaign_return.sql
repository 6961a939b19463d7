-- What households bought while a campaign reached them comes first: all products that it covers, for each of its
-- households, would be many times the transactions.
WITH covered AS (
    SELECT DISTINCT campaign_id, product_id FROM cleaned.retail_coupons
),
reached AS (
    SELECT campaign_id, count(*) AS households FROM cleaned.retail_campaigns GROUP BY campaign_id
),
handed_out AS (
    SELECT campaign_id, count(DISTINCT coupon_upc) AS coupons, count(DISTINCT product_id) AS products
      FROM cleaned.retail_coupons
     GROUP BY campaign_id
),
redeemed AS (
    SELECT campaign_id, count(*) AS redemptions, count(DISTINCT household_id) AS redeemers
      FROM cleaned.retail_coupon_redemptions
     GROUP BY campaign_id
),
meanwhile AS (
    SELECT c.campaign_id, t.*
      FROM cleaned.retail_transactions t
      JOIN cleaned.retail_campaigns c ON c.household_id = t.household_id
      JOIN cleaned.retail_campaign_descriptions d
        ON d.campaign_id = c.campaign_id
       AND CAST(t.checked_out_at AS DATE) BETWEEN d.start_date AND d.end_date
),
bought AS (
    SELECT t.campaign_id,
           count(DISTINCT t.household_id) AS buyers,
           count(DISTINCT t.basket_id) AS baskets,
           sum(t.quantity) AS units,
           sum(t.sales_value) AS sales,
           sum(t.retail_discount + t.coupon_discount + t.coupon_match_discount) AS discount
      FROM meanwhile t
      JOIN covered p ON p.campaign_id = t.campaign_id AND p.product_id = t.product_id
     GROUP BY t.campaign_id
)
SELECT d.campaign_id,
       d.campaign_type,
       d.start_date AS start_day,
       d.end_date AS end_day,
       coalesce(r.households, 0) AS households,
       coalesce(e.redeemers, 0) AS redeemers,
       coalesce(e.redemptions, 0) AS redemptions,
       coalesce(h.coupons, 0) AS coupons,
       coalesce(h.products, 0) AS products,
       coalesce(b.buyers, 0) AS buyers,
       coalesce(b.baskets, 0) AS baskets,
       coalesce(b.units, 0) AS units,
       coalesce(b.sales, 0) AS sales,
       coalesce(b.discount, 0) AS discount
  FROM cleaned.retail_campaign_descriptions d
  LEFT JOIN reached r USING (campaign_id)
  LEFT JOIN handed_out h USING (campaign_id)
  LEFT JOIN redeemed e USING (campaign_id)
  LEFT JOIN bought b USING (campaign_id)
