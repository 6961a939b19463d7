SELECT CAST(t.checked_out_at AS DATE) AS day,
       coalesce(p.department, 'UNKNOWN') AS department,
       count(DISTINCT t.basket_id) AS baskets,
       count(DISTINCT t.household_id) AS households,
       count(*) AS lines,
       sum(t.quantity) AS units,
       sum(t.sales_value) AS sales,
       sum(t.retail_discount + t.coupon_discount + t.coupon_match_discount) AS discount
  FROM cleaned.retail_transactions t
  LEFT JOIN cleaned.retail_products p USING (product_id)
 GROUP BY ALL
