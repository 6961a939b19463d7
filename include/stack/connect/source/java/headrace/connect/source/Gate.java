package headrace.connect.source;

import io.debezium.data.Envelope;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Filter that passes changes on and writes a dead letter for each change that cannot be sent.
 *
 * <p>Every sum over changes stays exact. An update to a row that cannot be sent becomes a delete of the old row. An update
 * from such a row becomes an insert. A delete of such a row is dropped. All records of one change are in the transaction
 * of that change.
 */
final class Gate {

    private static final int MOST_SCHEMAS = 1000;

    private final DeadLetters deadLetters;
    private final long largest;
    private final Map<Schema, Rows> known = new IdentityHashMap<>();

    Gate(DeadLetters deadLetters, long largest) {
        this.deadLetters = deadLetters;
        this.largest = largest;
    }

    List<SourceRecord> pass(List<SourceRecord> records) {
        if (records == null || records.isEmpty()) {
            return records;
        }
        if (known.size() > MOST_SCHEMAS) {
            known.clear();
        }
        List<SourceRecord> passed = new ArrayList<>(records.size());
        boolean dropped = false;
        for (SourceRecord record : records) {
            if (record.value() == null && dropped) { // the tombstone of a deletion that was dropped
                dropped = false;
                continue;
            }
            int before = passed.size();
            if (record.value() instanceof Struct change && isChange(change.schema())) {
                change(record, change, passed);
            } else {
                passed.add(record);
            }
            dropped = passed.size() == before;
        }
        return passed;
    }

    private static boolean isChange(Schema schema) {
        return Envelope.isEnvelopeSchema(schema);
    }

    private void change(SourceRecord record, Struct change, List<SourceRecord> out) {
        Rows rows = known.computeIfAbsent(change.schema(), Rows::new);
        String op = change.getString(Envelope.FieldName.OPERATION);
        Struct before = change.getStruct(Envelope.FieldName.BEFORE);
        Struct after = change.getStruct(Envelope.FieldName.AFTER);
        if (op.equals("t")) {
            out.add(deadLetters.of(record, change, Refusal.TRUNCATED));
            return;
        }
        Refusal newer = after == null ? null : rows.refusal(after, largest);
        Refusal older = before == null ? null : rows.refusal(before, largest);
        if (newer == null && older == null && rows.together(before, after, largest)) {
            out.add(rows.plain(record));
            return;
        }
        if (newer != null) {
            out.add(deadLetters.of(record, change, newer));
        }
        if (before != null && older == null) {
            out.add(rows.with(record, "d", before, null));
        }
        if (after != null && newer == null) {
            out.add(rows.with(record, op.equals("u") ? "c" : op, null, after));
        }
    }
}
