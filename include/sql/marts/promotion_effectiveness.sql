-- A product counts once in a store and week: at the first of its places by code.
WITH promoted AS (
    SELECT product_id, store_id, week, min(struct(display_location, mailer_location)) AS place
      FROM cleaned.retail_promotions
     GROUP BY product_id, store_id, week
),
sold AS (
    SELECT product_id, store_id, week,
           collect_set(basket_id) AS basket_ids,
           count(*) AS lines,
           sum(quantity) AS units,
           sum(sales_value) AS sales,
           sum(retail_discount + coupon_discount + coupon_match_discount) AS discount
      FROM cleaned.retail_transactions
     GROUP BY product_id, store_id, week
),
together AS (
    SELECT week, store_id, product_id,
           p.place IS NOT NULL AS promoted,
           coalesce(p.place.display_location, '0') AS display_location,
           coalesce(p.place.mailer_location, '0') AS mailer_location,
           s.basket_ids, s.lines, s.units, s.sales, s.discount
      FROM promoted p
      FULL JOIN sold s USING (product_id, store_id, week)
)
SELECT t.week,
       t.store_id,
       coalesce(p.department, 'UNKNOWN') AS department,
       t.promoted,
       t.display_location,
       t.mailer_location,
       count(*) AS products,
       count(t.lines) AS products_sold,
       size(array_distinct(flatten(collect_list(t.basket_ids)))) AS baskets,
       coalesce(sum(t.lines), 0) AS lines,
       coalesce(sum(t.units), 0) AS units,
       coalesce(sum(t.sales), 0) AS sales,
       coalesce(sum(t.discount), 0) AS discount
  FROM together t
  LEFT JOIN cleaned.retail_products p USING (product_id)
 GROUP BY ALL
