WITH handed_out AS (
    SELECT campaign_id, coupon_upc, count(DISTINCT product_id) AS products
      FROM cleaned.retail_coupons
     GROUP BY campaign_id, coupon_upc
),
reached AS (
    SELECT campaign_id, count(*) AS households FROM cleaned.retail_campaigns GROUP BY campaign_id
),
redeemed AS (
    SELECT campaign_id, coupon_upc,
           count(*) AS redemptions,
           count(DISTINCT household_id) AS redeemers,
           min(redemption_date) AS first_day,
           max(redemption_date) AS last_day
      FROM cleaned.retail_coupon_redemptions
     GROUP BY campaign_id, coupon_upc
)
SELECT campaign_id,
       coupon_upc,
       coalesce(h.products, 0) AS products,
       coalesce(c.households, 0) AS households,
       coalesce(r.redemptions, 0) AS redemptions,
       coalesce(r.redeemers, 0) AS redeemers,
       r.first_day,
       r.last_day
  FROM handed_out h
  FULL JOIN redeemed r USING (campaign_id, coupon_upc)
  LEFT JOIN reached c USING (campaign_id)
