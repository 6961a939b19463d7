SELECT toString(count()),
    toString(count() - uniqExact(`id`, `day`)),
    toString(sum(reinterpretAsUInt64(reverse(substring(MD5(_row_text), 1, 8))))),
    toString(ifNull(sum(toInt128(`id`)), 0)), toString(countIf(`id` IS NULL)),
    toString(ifNull(sum(toInt64(toInt32(toDate32(`day`)))), 0)), toString(countIf(`day` IS NULL)),
    toString(ifNull(sum(`amount`), 0)), toString(countIf(`amount` IS NULL)),
    toString(ifNull(sum(toInt128(toUnixTimestamp64Micro(toDateTime64(`at`, 6, 'UTC')))), 0)), toString(countIf(`at` IS NULL)),
    toString(ifNull(sum(length(toString(`name`))), 0)), toString(countIf(`name` IS NULL)),
    toString(ifNull(sum(toInt64(`open`)), 0)), toString(countIf(`open` IS NULL))
FROM (SELECT *, concatWithSeparator('|', ifNull(toString(`id`), '\\N'), ifNull(toString(toInt32(toDate32(`day`))), '\\N'), ifNull(toDecimalString(`amount`, 2), '\\N'), ifNull(toString(toUnixTimestamp64Micro(toDateTime64(`at`, 6, 'UTC'))), '\\N'), ifNull(replaceAll(replaceAll(toString(`name`), '\\', '\\\\'), '|', '\\p'), '\\N'), ifNull(toString(toBool(`open`)), '\\N')) AS _row_text FROM (SELECT * FROM (SELECT * FROM retail.t_changes ORDER BY _offset DESC LIMIT 1 BY `id`, `day`) WHERE _op != 'd'))
