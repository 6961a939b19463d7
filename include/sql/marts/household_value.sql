WITH bought AS (
    SELECT household_id,
           min(CAST(checked_out_at AS DATE)) AS first_day,
           max(CAST(checked_out_at AS DATE)) AS last_day,
           count(DISTINCT basket_id) AS baskets,
           count(DISTINCT CAST(checked_out_at AS DATE)) AS days,
           count(DISTINCT store_id) AS stores,
           sum(quantity) AS units,
           sum(sales_value) AS sales,
           sum(retail_discount + coupon_discount + coupon_match_discount) AS discount
      FROM cleaned.retail_transactions
     WHERE household_id IS NOT NULL
     GROUP BY household_id
),
redeemed AS (
    SELECT household_id, count(*) AS redemptions FROM cleaned.retail_coupon_redemptions GROUP BY household_id
),
ranked AS (
    SELECT *,
           percent_rank() OVER (ORDER BY last_day) AS recency,
           percent_rank() OVER (ORDER BY baskets) AS frequency,
           percent_rank() OVER (ORDER BY sales) AS monetary,
           max(last_day) OVER () AS newest_day
      FROM bought
)
SELECT household_id,
       first_day,
       last_day,
       datediff(newest_day, last_day) AS recency_days,
       baskets,
       days,
       stores,
       units,
       sales,
       discount,
       coalesce(redemptions, 0) AS redemptions,
       least(5, 1 + CAST(floor(5 * recency) AS INT)) AS recency_score,
       least(5, 1 + CAST(floor(5 * frequency) AS INT)) AS frequency_score,
       least(5, 1 + CAST(floor(5 * monetary) AS INT)) AS monetary_score
  FROM ranked
  LEFT JOIN redeemed USING (household_id)
