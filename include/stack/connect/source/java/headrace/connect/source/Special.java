package headrace.connect.source;

import io.debezium.time.Date;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.kafka.connect.data.Schema;

/**
 * Placeholders, between the converter and `Gate`, for PostgreSQL values that the column's type in Kafka Connect lacks.
 * Numbers and arrays are recognised by identity; dates are outside PostgreSQL's range.
 */
final class Special {

    static final BigDecimal NAN = new BigDecimal("0");
    static final BigDecimal INFINITY = new BigDecimal("0");
    static final BigDecimal NEGATIVE_INFINITY = new BigDecimal("0");
    static final BigDecimal UNREAD_NUMBER = new BigDecimal("0");
    static final Integer EARLIEST = Integer.MIN_VALUE;
    static final Integer LATEST = Integer.MAX_VALUE;
    static final Integer AMBIGUOUS = Integer.MIN_VALUE + 1;
    static final Integer UNREAD_DATE = Integer.MIN_VALUE + 2;
    static final List<Object> NESTED_ARRAY = Collections.unmodifiableList(new ArrayList<>());
    static final List<Object> SHIFTED_ARRAY = Collections.unmodifiableList(new ArrayList<>());
    static final List<Object> UNREAD_ARRAY = Collections.unmodifiableList(new ArrayList<>());

    private Special() {}

    /** Returns the meaning of a placeholder as text for users; null for a normal value. */
    static String name(Schema schema, Object value) {
        if (value instanceof BigDecimal number) {
            return number == NAN ? "NaN"
                    : number == INFINITY ? "Infinity"
                    : number == NEGATIVE_INFINITY ? "-Infinity"
                    : number == UNREAD_NUMBER ? "a number that was not read"
                    : null;
        }
        if (value instanceof Integer day && Date.SCHEMA_NAME.equals(schema.name())) {
            return day.equals(EARLIEST) ? "-infinity"
                    : day.equals(LATEST) ? "infinity"
                    : day.equals(AMBIGUOUS) ? "a day of October 1582, which a snapshot cannot tell from one ten days before,"
                    : day.equals(UNREAD_DATE) ? "a date that was not read"
                    : null;
        }
        if (value instanceof List<?> list) {
            return array(schema, list);
        }
        return null;
    }

    private static String array(Schema schema, List<?> list) {
        if (list == NESTED_ARRAY) {
            return "an array of arrays";
        }
        if (list == SHIFTED_ARRAY) {
            return "an array that does not begin at 1";
        }
        if (list == UNREAD_ARRAY) {
            return "an array that cannot be read";
        }
        for (Object element : list) {
            String name = element instanceof List ? null : name(schema.valueSchema(), element);
            if (name != null) {
                return "an array with " + name;
            }
        }
        return null;
    }
}
