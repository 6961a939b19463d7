package headrace.connect.source;

import io.debezium.data.Json;
import io.debezium.data.SpecialValueDecimal;
import io.debezium.data.Uuid;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import io.debezium.time.Date;
import io.debezium.time.ZonedTimestamp;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * Converter for columns whose values Debezium may lose: Debezium sends null for a value that it fails to convert.
 *
 * <p>Schemas are those of Debezium. A value outside the schema becomes a constant of `Special`, which `Gate` handles.
 */
public final class Faithful implements CustomConverter<SchemaBuilder, RelationalColumn> {

    /** An element type: its schema and its text parser. */
    private record Element(Supplier<SchemaBuilder> schema, Function<String, Object> read) {}

    private static final Map<String, Element> ELEMENTS = Map.ofEntries(
            Map.entry("_int2", new Element(SchemaBuilder::int16, Short::valueOf)),
            Map.entry("_int4", new Element(SchemaBuilder::int32, Integer::valueOf)),
            Map.entry("_int8", new Element(SchemaBuilder::int64, Long::valueOf)),
            Map.entry("_float4", new Element(SchemaBuilder::float32, Float::valueOf)),
            Map.entry("_float8", new Element(SchemaBuilder::float64, Double::valueOf)),
            Map.entry("_bool", new Element(SchemaBuilder::bool, "t"::equals)),
            Map.entry("_text", new Element(SchemaBuilder::string, text -> text)),
            Map.entry("_varchar", new Element(SchemaBuilder::string, text -> text)),
            Map.entry("_bpchar", new Element(SchemaBuilder::string, text -> text)),
            Map.entry("_citext", new Element(SchemaBuilder::string, text -> text)),
            Map.entry("_uuid", new Element(Uuid::builder, text -> text)),
            Map.entry("_json", new Element(Json::builder, text -> text)),
            Map.entry("_jsonb", new Element(Json::builder, text -> text)),
            Map.entry("_bytea", new Element(SchemaBuilder::bytes, Texts::bytes)),
            Map.entry("_date", new Element(Date::builder, Texts::date)),
            Map.entry("_timestamptz", new Element(ZonedTimestamp::builder, Texts::instant)));

    @Override
    public void configure(Properties properties) {}

    @Override
    public void converterFor(RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        switch (column.typeName()) {
            case "numeric" -> {
                if (isFixed(column)) {
                    int scale = column.scale().orElse(0);
                    registration.register(
                            decimal(column), orElse(value -> number(value, scale), Special.UNREAD_NUMBER));
                }
            }
            case "date" -> registration.register(Date.builder(), orElse(Texts::day, Special.UNREAD_DATE));
            case "_numeric" -> {
                if (isFixed(column)) {
                    Schema element = decimal(column).optional().build();
                    int scale = column.scale().orElse(0);
                    registration.register(SchemaBuilder.array(element), array(text -> Texts.number(text, scale)));
                }
            }
            default -> {
                Element element = ELEMENTS.get(column.typeName());
                if (element != null) {
                    Schema schema = element.schema().get().optional().build();
                    registration.register(SchemaBuilder.array(schema), array(element.read()));
                }
            }
        }
    }

    /** Returns whether the column has a precision; contracts have no numbers without one. */
    private static boolean isFixed(RelationalColumn column) {
        return column.length().isPresent() && column.length().getAsInt() > 0 && column.length().getAsInt() <= 1000
                && column.scale().isPresent();
    }

    private static SchemaBuilder decimal(RelationalColumn column) {
        return Decimal.builder(column.scale().orElse(0))
                .parameter("connect.decimal.precision", String.valueOf(column.length().getAsInt()));
    }

    private static Object number(Object value, int scale) {
        if (value == null) {
            return null;
        }
        BigDecimal number = plain(value);
        return number == null ? Texts.special(value.toString()) : number.setScale(scale);
    }

    /** Returns the number; null for NaN and the infinities. */
    private static BigDecimal plain(Object value) {
        if (value instanceof SpecialValueDecimal number) {
            return number.getDecimalValue().orElse(null);
        }
        String text = value.toString();
        return value instanceof BigDecimal number ? number : Texts.special(text) != null ? null : new BigDecimal(text);
    }

    /** Returns `unread` for a value that cannot be parsed, because Debezium sends null when a converter throws. */
    private static Converter orElse(Function<Object, Object> read, Object unread) {
        return value -> {
            try {
                return read.apply(value);
            } catch (RuntimeException failed) {
                return unread;
            }
        };
    }

    private static Converter array(Function<String, Object> read) {
        return value -> {
            if (value == null || value instanceof List) {
                return value;
            }
            try {
                return Arrays.read(value.toString(), read);
            } catch (RuntimeException unread) {
                return Special.UNREAD_ARRAY;
            }
        };
    }
}
