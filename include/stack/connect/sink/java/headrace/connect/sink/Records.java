package headrace.connect.sink;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Prepares the records of producers for the Iceberg sink, which would change some of their values.
 *
 * <p>The sink reads every whole number in a column of times as milliseconds, and Kafka Connect reads Avro's microseconds
 * as whole numbers. So times become text here. A null of a field with a default stays null. A record with a value that
 * no column can hold becomes a dead letter.
 */
public final class Records<R extends ConnectRecord<R>> implements Transformation<R> {

    static final String COLUMNS = "columns";
    private static final int MOST_SCHEMAS = 1000;

    /** Target schema of a value, and its conversion. A null is never converted. */
    private record Shape(Schema schema, UnaryOperator<Object> conversion) {}

    private final Map<String, Map<Schema, Shape>> known = new HashMap<>();
    private Columns columns = Columns.NONE;

    @Override
    public R apply(R record) {
        if (!(record.value() instanceof Struct row)) {
            return record;
        }
        Map<Schema, Shape> shapes = known.computeIfAbsent(record.topic(), topic -> new IdentityHashMap<>());
        if (shapes.size() > MOST_SCHEMAS) {
            shapes.clear();
        }
        Shape shape = shapes.computeIfAbsent(row.schema(), schema -> shape(schema, "", columns.of(record.topic())));
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
                shape.schema(), shape.conversion().apply(row), record.timestamp());
    }

    private static Shape shape(Schema schema, String path, Map<String, String> kinds) {
        return switch (schema.type()) {
            case STRUCT -> struct(schema, path, kinds);
            case ARRAY -> array(schema, shape(schema.valueSchema(), path + "[]", kinds));
            case MAP -> map(schema, shape(schema.valueSchema(), path + "{}", kinds));
            default -> value(schema, path, kinds.getOrDefault(path, ""));
        };
    }

    private static Shape struct(Schema schema, String path, Map<String, String> kinds) {
        SchemaBuilder target = like(SchemaBuilder.struct(), schema);
        Map<Field, Shape> shapes = new LinkedHashMap<>();
        for (Field field : schema.fields()) {
            Shape shape = shape(field.schema(), path.isEmpty() ? field.name() : path + "." + field.name(), kinds);
            target.field(field.name(), shape.schema());
            shapes.put(field, shape);
        }
        Schema made = target.build();
        return new Shape(made, value -> {
            Struct row = new Struct(made);
            shapes.forEach((field, shape) -> {
                Object held = ((Struct) value).getWithoutDefault(field.name());
                row.put(field.name(), held == null ? null : shape.conversion().apply(held));
            });
            return row;
        });
    }

    private static Shape array(Schema schema, Shape element) {
        return new Shape(like(SchemaBuilder.array(element.schema()), schema).build(), value -> {
            List<Object> converted = new ArrayList<>(((List<?>) value).size());
            for (Object each : (List<?>) value) {
                converted.add(each == null ? null : element.conversion().apply(each));
            }
            return converted;
        });
    }

    private static Shape map(Schema schema, Shape held) {
        return new Shape(like(SchemaBuilder.map(schema.keySchema(), held.schema()), schema).build(), value -> {
            Map<Object, Object> converted = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((key, each) -> converted.put(key, each == null ? null : held.conversion().apply(each)));
            return converted;
        });
    }

    private static Shape value(Schema schema, String path, String kind) {
        Schema text = like(SchemaBuilder.string(), schema).build();
        return switch (kind) {
            case "instant" -> new Shape(text, named(path, Records::instant));
            case "time" -> new Shape(text, named(path, Records::time));
            case "uuid" -> new Shape(text, named(path, Records::uuid));
            default -> new Shape(withoutDefault(schema), UnaryOperator.identity());
        };
    }

    private static SchemaBuilder like(SchemaBuilder target, Schema schema) {
        if (schema.isOptional()) {
            target.optional();
        }
        return schema.type() == Schema.Type.STRUCT ? target.name(schema.name()) : target;
    }

    private static Schema withoutDefault(Schema schema) {
        if (schema.defaultValue() == null) {
            return schema;
        }
        return new ConnectSchema(schema.type(), schema.isOptional(), null, schema.name(), schema.version(), schema.doc(),
                schema.parameters(), null, null, null);
    }

    private static UnaryOperator<Object> named(String path, UnaryOperator<Object> conversion) {
        return value -> {
            try {
                return conversion.apply(value);
            } catch (RuntimeException cause) {
                throw new DataException("field \"" + path + "\": " + cause.getMessage(), cause);
            }
        };
    }

    /** Java also parses `1-1-1-1-1`, and would write another text. */
    private static Object uuid(Object value) {
        String text = (String) value;
        if (!UUID.fromString(text).toString().equalsIgnoreCase(text)) {
            throw new DataException(text + " is no UUID");
        }
        return text;
    }

    /** `timestamp-micros` arrives as a number, `timestamp-millis` as a Date. */
    private static Object instant(Object value) {
        Instant at = value instanceof java.util.Date date
                ? date.toInstant()
                : Instant.EPOCH.plus(((Number) value).longValue(), ChronoUnit.MICROS);
        int year = at.atOffset(ZoneOffset.UTC).getYear();
        if (year < 1 || year > 9999) {
            throw new DataException(at + " is not between the years 1 and 9999");
        }
        return at.toString();
    }

    /** `time-micros` arrives as a number, `time-millis` as a Date of 1970-01-01. */
    private static Object time(Object value) {
        return value instanceof java.util.Date date
                ? LocalTime.ofNanoOfDay(date.getTime() * 1_000_000L).toString()
                : LocalTime.ofNanoOfDay(Math.multiplyExact(((Number) value).longValue(), 1_000L)).toString();
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef().define(COLUMNS, ConfigDef.Type.STRING, "", ConfigDef.Importance.MEDIUM,
                "Fields to convert, by path: topic|at:instant|lines[].opened:time|id:uuid;topic|…");
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
