package headrace.connect.source;

import io.debezium.data.Envelope;
import io.debezium.time.Date;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.util.HexFormat;
import java.util.StringJoiner;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.source.SourceRecord;

/** Writer of dead letters. All content is in headers, because a change that cannot be sent has no payload. */
final class DeadLetters {

    private static final int LONGEST_KEY_IN_REASON = 500;

    private final String topic;

    DeadLetters(String topic) {
        this.topic = topic;
    }

    SourceRecord of(SourceRecord record, Struct change, Refusal refusal) {
        Struct source = change.getStruct(Envelope.FieldName.SOURCE);
        String key = key(record.key());
        ConnectHeaders headers = new ConnectHeaders();
        headers.addString("topic", record.topic());
        headers.addString("table", source.getString("schema") + "." + source.getString("table"));
        headers.addString("key", key);
        headers.addString("op", change.getString(Envelope.FieldName.OPERATION));
        headers.addString("snapshot", String.valueOf(source.getString("snapshot")));
        headers.addString("lsn", String.valueOf(source.getInt64("lsn")));
        headers.addString("committed_at_ms", String.valueOf(source.getInt64("ts_ms")));
        headers.addString("rule", refusal.rule());
        headers.addString("field", refusal.field() == null ? "" : refusal.field());
        headers.addString("bytes", String.valueOf(refusal.bytes()));
        headers.addString("reason", refusal.reason() + (key.isEmpty() ? "" : " (key " + shortened(key) + ")"));
        return new SourceRecord(
                record.sourcePartition(), record.sourceOffset(), topic, 0, null, null, null, null, null, headers);
    }

    /** Returns the complete key, which identifies one row. */
    private static String key(Object key) {
        if (!(key instanceof Struct struct)) {
            return "";
        }
        StringJoiner parts = new StringJoiner(", ");
        for (Field field : struct.schema().fields()) {
            parts.add(field.name() + "=" + text(field.schema(), struct.get(field)));
        }
        return parts.toString();
    }

    private static String shortened(String key) {
        return key.length() <= LONGEST_KEY_IN_REASON ? key : key.substring(0, LONGEST_KEY_IN_REASON - 1) + "…";
    }

    /** Returns a value as text: bytes as PostgreSQL writes them, a date in ISO 8601, a number without an exponent. */
    private static String text(Schema schema, Object value) {
        String special = Special.name(schema, value);
        if (special != null) {
            return special;
        }
        if (value instanceof Integer day && Date.SCHEMA_NAME.equals(schema.name())) {
            return LocalDate.ofEpochDay(day).toString();
        }
        if (value instanceof BigDecimal number) {
            return number.toPlainString();
        }
        if (value instanceof byte[] bytes) {
            return "\\x" + HexFormat.of().formatHex(bytes);
        }
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return "\\x" + HexFormat.of().formatHex(bytes);
        }
        return String.valueOf(value);
    }
}
