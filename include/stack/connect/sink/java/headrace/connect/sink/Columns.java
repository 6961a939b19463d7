package headrace.connect.sink;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;

/**
 * Types of the target columns for numbers and booleans, as declared by the contracts.
 *
 * <p>A source may widen a column before its contract does. The sink truncates a number to the column's type without an
 * error, so a number that does not fit is rejected here.
 */
final class Columns {

    static final Columns NONE = new Columns(Map.of());

    private final Map<String, Map<String, String>> byTopic;

    private Columns(Map<String, Map<String, String>> byTopic) {
        this.byTopic = byTopic;
    }

    /** Parses `topic|name:type|name:type;topic|…`. */
    static Columns read(String text) {
        Map<String, Map<String, String>> found = new HashMap<>();
        for (String table : text.split(";")) {
            String[] parts = table.split("\\|");
            Map<String, String> types = new HashMap<>();
            for (int at = 1; at < parts.length; at++) {
                String[] column = parts[at].split(":", 2);
                types.put(column[0], column[1]);
            }
            found.put(parts[0], types);
        }
        return new Columns(found);
    }

    /** Returns column → Iceberg type; empty for an unknown topic. */
    Map<String, String> of(String topic) {
        return byTopic.getOrDefault(topic, Map.of());
    }

    /** Returns whether every value of the schema fits the column's type. */
    static boolean takes(String type, Schema schema) {
        return switch (schema.type()) {
            case BOOLEAN -> type.equals("boolean");
            case INT8, INT16, INT32 -> schema.name() == null && (type.equals("int") || type.equals("long"));
            case INT64 -> schema.name() == null && type.equals("long");
            case FLOAT32 -> type.equals("float") || type.equals("double");
            case FLOAT64 -> type.equals("double");
            case BYTES -> Decimal.LOGICAL_NAME.equals(schema.name()) && type.startsWith("decimal") && sameScale(type, schema);
            default -> false;
        };
    }

    /** Throws a DataException for a value that the column cannot store exactly. */
    static void check(String type, Object value) {
        boolean fits = switch (type) {
            case "boolean" -> value instanceof Boolean;
            case "int" -> isWhole(value) && ((Number) value).longValue() == ((Number) value).intValue();
            case "long" -> isWhole(value);
            case "float" -> value instanceof Float || value instanceof Double number && isSingle(number);
            case "double" -> value instanceof Float || value instanceof Double;
            default -> value instanceof BigDecimal number && fits(type, number);
        };
        if (!fits) {
            throw new DataException(shown(value) + " does not fit the type " + type
                    + " of the contract. Change the contract to the type of the source column, apply it, then"
                    + " replay the dead letter");
        }
    }

    private static boolean isWhole(Object value) {
        return value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte;
    }

    private static boolean isSingle(double number) {
        return Double.isNaN(number) || (double) (float) number == number;
    }

    /** `decimal(12, 2)` → 12 and 2. */
    private static int[] sizes(String type) {
        String[] sizes = type.substring(type.indexOf('(') + 1, type.indexOf(')')).split(",");
        return new int[] {Integer.parseInt(sizes[0].strip()), Integer.parseInt(sizes[1].strip())};
    }

    /** Returns whether the source declares the column's precision and scale; `Writable` checks the number of digits. */
    private static boolean sameScale(String type, Schema schema) {
        int[] sizes = sizes(type);
        Map<String, String> declared = schema.parameters();
        return String.valueOf(sizes[1]).equals(declared.get(Decimal.SCALE_FIELD))
                && String.valueOf(sizes[0]).equals(declared.get("connect.decimal.precision"));
    }

    private static boolean fits(String type, BigDecimal number) {
        int precision = sizes(type)[0];
        int scale = sizes(type)[1];
        BigDecimal least = number.stripTrailingZeros();
        return least.signum() == 0 || least.scale() <= scale && least.precision() - least.scale() <= precision - scale;
    }

    private static String shown(Object value) {
        String text = String.valueOf(value);
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }
}
