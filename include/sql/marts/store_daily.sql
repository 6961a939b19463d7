SELECT CAST(checked_out_at AS DATE) AS day,
       store_id,
       count(DISTINCT basket_id) AS baskets,
       count(DISTINCT household_id) AS households,
       count(*) AS lines,
       sum(quantity) AS units,
       sum(sales_value) AS sales,
       sum(retail_discount + coupon_discount + coupon_match_discount) AS discount
  FROM cleaned.retail_transactions
 GROUP BY ALL
