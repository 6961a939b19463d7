package headrace.connect.source;

import io.debezium.data.Envelope;
import java.util.StringJoiner;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.source.SourceRecord;

/** Writes dead letters: all they say stands in headers, since what cannot be carried has no payload. */
final class Letters {

    private static final int LONGEST_KEY = 500;

    private final String topic;

    Letters(String topic) {
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
        headers.addString("reason", refusal.reason() + (key.isEmpty() ? "" : " (key " + key + ")"));
        return new SourceRecord(
                record.sourcePartition(), record.sourceOffset(), topic, 0, null, null, null, null, null, headers);
    }

    private static String key(Object key) {
        if (!(key instanceof Struct struct)) {
            return "";
        }
        StringJoiner parts = new StringJoiner(", ");
        for (Field field : struct.schema().fields()) {
            parts.add(field.name() + "=" + text(struct.get(field)));
        }
        String text = parts.toString();
        return text.length() <= LONGEST_KEY ? text : text.substring(0, LONGEST_KEY - 1) + "…";
    }

    private static String text(Object value) {
        String special = Special.name(value);
        return special == null ? String.valueOf(value) : special;
    }
}
