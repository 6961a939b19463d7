package headrace.connect.sink;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Last transform of an Iceberg sink, which rejects records with a value that the sink cannot write.
 *
 * <p>A record for which a transform throws becomes a dead letter, and other records pass. An exception of the sink itself
 * stops the task.
 */
public final class Writable<R extends ConnectRecord<R>> implements Transformation<R> {

    static final String COLUMNS = "columns";
    private static final int MOST_SCHEMAS = 1000;
    private static final long FIRST_DAY = LocalDate.of(1, 1, 1).toEpochDay();
    private static final long LAST_DAY = LocalDate.of(9999, 12, 31).toEpochDay();

    /** Throws a DataException for a value that cannot be written. */
    private interface Check {
        void of(Object value);
    }

    private record Checked(Field field, Check check) {}

    private final Map<Schema, List<Checked>> known = new IdentityHashMap<>();
    private Columns columns = Columns.NONE;

    @Override
    public R apply(R record) {
        if (record.value() instanceof Struct row) {
            if (known.size() > MOST_SCHEMAS) {
                known.clear();
            }
            for (Checked checked : known.computeIfAbsent(row.schema(), schema -> checks(schema, columns.of(record.topic())))) {
                Object value = row.get(checked.field());
                if (value != null) {
                    check(checked, value);
                }
            }
        }
        return record;
    }

    private static void check(Checked checked, Object value) {
        try {
            checked.check().of(value);
        } catch (RuntimeException cause) {
            String kind = kind(checked.field().schema());
            throw new DataException(
                    "field \"" + checked.field().name() + "\" (" + kind + "): " + cause.getMessage(), cause);
        }
    }

    private static String kind(Schema schema) {
        String name = schema.name() == null ? schema.type().getName() : schema.name();
        return name.substring(name.lastIndexOf('.') + 1);
    }

    private static List<Checked> checks(Schema schema, Map<String, String> types) {
        List<Checked> checks = new ArrayList<>();
        for (Field field : schema.fields()) {
            Check check = checkOf(field.schema());
            if (check != null) {
                checks.add(new Checked(field, check));
            }
            String type = types.get(field.name());
            if (type != null && !Columns.takes(type, field.schema())) {
                checks.add(new Checked(field, value -> Columns.check(type, value)));
            }
        }
        return checks;
    }

    private static Check checkOf(Schema schema) {
        if (schema.type() == Schema.Type.ARRAY) {
            Check check = checkOf(schema.valueSchema());
            return check == null ? null : list -> elements((List<?>) list, check);
        }
        String name = schema.name() == null ? "" : schema.name();
        return switch (name) {
            case "io.debezium.time.ZonedTimestamp" -> Writable::instant;
            case "io.debezium.time.Date", "org.apache.kafka.connect.data.Date" -> Writable::date;
            case "io.debezium.data.Uuid" -> text -> UUID.fromString((String) text);
            case Decimal.LOGICAL_NAME -> decimal(schema);
            default -> null;
        };
    }

    private static void elements(List<?> list, Check check) {
        for (Object element : list) {
            if (element != null) {
                check.of(element);
            }
        }
    }

    private static Check decimal(Schema schema) {
        String declared = schema.parameters() == null ? null : schema.parameters().get("connect.decimal.precision");
        if (declared == null) {
            return null;
        }
        int precision = Integer.parseInt(declared);
        return value -> {
            if (((BigDecimal) value).precision() > precision) {
                throw new DataException("a number of " + ((BigDecimal) value).precision() + " digits; it may have " + precision);
            }
        };
    }

    private static void date(Object value) {
        long day = value instanceof Number number ? number.longValue() : ((java.util.Date) value).getTime() / 86_400_000L;
        if (day < FIRST_DAY || day > LAST_DAY) {
            throw new DataException(LocalDate.ofEpochDay(day) + " is not between the years 1 and 9999");
        }
    }

    /** Debezium writes `2024-01-31T12:00:00.123456Z`, years before 1 and after 9999 with a sign, and infinity as a word. */
    private static void instant(Object value) {
        String text = (String) value;
        if (isPlain(text)) {
            return;
        }
        int year;
        try {
            year = OffsetDateTime.parse(text).getYear();
        } catch (RuntimeException unread) {
            throw new DataException(shown(text) + " is no instant");
        }
        if (year < 1 || year > 9999) {
            throw new DataException(shown(text) + " is not between the years 1 and 9999");
        }
    }

    private static boolean isPlain(String text) {
        int length = text.length();
        return length >= 20 && length <= 27 && text.charAt(4) == '-' && text.charAt(10) == 'T'
                && text.charAt(length - 1) == 'Z' && isDigit(text.charAt(0)) && !text.startsWith("0000");
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static String shown(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef().define(COLUMNS, ConfigDef.Type.STRING, "", ConfigDef.Importance.MEDIUM,
                "Types of the columns for numbers and booleans: topic|name:type|name:type;topic|…");
    }

    @Override
    public void close() {
        known.clear();
    }

    @Override
    public void configure(Map<String, ?> configs) {
        columns = Columns.read(configs.get(COLUMNS) instanceof String text ? text : "");
    }
}
