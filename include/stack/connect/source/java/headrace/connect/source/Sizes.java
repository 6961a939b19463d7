package headrace.connect.source;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/** Sizes of values in Avro in bytes, slightly overestimated. */
final class Sizes {

    private static final int ELEMENT = 16;

    private Sizes() {}

    /** Returns an upper bound of `of` without reading characters. */
    static long atMost(Object value) {
        return value instanceof String text ? 3L * text.length() + ELEMENT : of(value);
    }

    static long of(Object value) {
        if (value instanceof String text) {
            return utf8(text) + ELEMENT;
        }
        if (value instanceof byte[] bytes) {
            return bytes.length + ELEMENT;
        }
        if (value instanceof ByteBuffer bytes) {
            return bytes.remaining() + ELEMENT;
        }
        long sum = ELEMENT;
        if (value instanceof List<?> list) {
            for (Object element : list) {
                sum += of(element);
            }
        } else if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                sum += of(entry.getKey()) + of(entry.getValue());
            }
        } else if (value instanceof Struct struct) {
            for (Field field : struct.schema().fields()) {
                sum += of(struct.get(field));
            }
        }
        return sum;
    }

    private static long utf8(String text) {
        long bytes = text.length();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            bytes += c < 0x80 ? 0 : c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
        }
        return bytes;
    }
}
