-- Sales by minute and department, as they are now.
CREATE OR REPLACE VIEW metrics.sales_by_minute_department AS
SELECT
    minute,
    department,
    sum(p.sales) AS sales,
    sum(p.units) AS units,
    sum(p.discount) AS discount,
    sum(p.lines) AS lines,
    toUInt64(length(mapFilter((id, n) -> n > 0, sumMap(p.basket_lines)))) AS baskets,
    toUInt64(length(mapFilter((id, n) -> n > 0, sumMap(p.household_lines)))) AS active_households,
    sum(p.late_rows) AS late_rows,
    max(p.changed_at) AS changed_at
FROM
(
    SELECT minute, department, sales, units, discount, lines, basket_lines, household_lines, late_rows, changed_at, _partition, _snapshot
    FROM metrics.sales_by_minute_department_parts
    UNION ALL
    SELECT minute, department, sales, units, discount, lines, basket_lines, household_lines, late_rows, changed_at, _partition, _snapshot
    FROM metrics.sales_by_minute_department_replayed FINAL
) AS p
WHERE (p._partition, p._snapshot) IN
    (SELECT partition, max(first_offset) FROM metrics.snapshots WHERE metrics = 'sales' GROUP BY partition)
GROUP BY minute, department
HAVING lines != 0 OR late_rows != 0
