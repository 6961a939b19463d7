WITH has AS (
    SELECT DISTINCT t.basket_id, p.product_category AS category
      FROM cleaned.retail_transactions t
      JOIN cleaned.retail_products p USING (product_id)
     WHERE t.quantity > 0 AND p.product_category IS NOT NULL
),
every AS (SELECT count(DISTINCT basket_id) AS all_baskets FROM has),
each AS (SELECT category, count(*) AS baskets FROM has GROUP BY category),
pairs AS (
    SELECT one.category, other.category AS other_category, count(*) AS baskets_together
      FROM has one
      JOIN has other ON one.basket_id = other.basket_id AND one.category < other.category
     GROUP BY one.category, other.category
    HAVING count(*) >= 5
),
both_ways AS (
    SELECT category, other_category, baskets_together FROM pairs
    UNION ALL
    SELECT other_category, category, baskets_together FROM pairs
)
SELECT b.category,
       b.other_category,
       b.baskets_together,
       one.baskets,
       other.baskets AS other_baskets,
       all_baskets,
       b.baskets_together / all_baskets AS support,
       b.baskets_together / one.baskets AS confidence,
       (b.baskets_together / one.baskets) / (other.baskets / all_baskets) AS lift
  FROM both_ways b
  JOIN each one ON one.category = b.category
  JOIN each other ON other.category = b.other_category
 CROSS JOIN every
