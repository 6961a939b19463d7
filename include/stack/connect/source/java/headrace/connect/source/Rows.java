package headrace.connect.source;

import io.debezium.data.Envelope;
import io.debezium.time.Date;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Checks for the rows of one table version, computed once per envelope schema.
 *
 * <p>Kafka Connect reads null in an optional field with a default as the default. Rows of tables with such fields are
 * therefore sent in a schema without these defaults. Records of other tables are not changed.
 */
final class Rows {

    private static final int PER_FIELD = 16;

    private final List<Field> required = new ArrayList<>();
    private final List<Field> special = new ArrayList<>();
    private final List<Field> sized = new ArrayList<>();
    private final int fixed;
    private final Schema row;
    private final Schema envelope;

    Rows(Schema change) {
        Schema rows = change.field(Envelope.FieldName.AFTER).schema();
        for (Field field : rows.fields()) {
            if (!field.schema().isOptional()) {
                required.add(field);
            }
            if (maySpecial(field.schema())) {
                special.add(field);
            }
            if (isSized(field.schema())) {
                sized.add(field);
            }
        }
        fixed = rows.fields().size() * PER_FIELD;
        row = rows.fields().stream().anyMatch(Rows::replacesNull) ? withoutDefaults(rows) : rows;
        envelope = row == rows ? change : withRows(change, row);
    }

    /** Returns why the row cannot be sent; null if it can. */
    Refusal refusal(Struct row, long largest) {
        for (Field field : special) {
            Object value = row.get(field);
            String name = value == null ? null : Special.name(field.schema(), value);
            if (name != null) {
                return Refusal.value(field.name(), name + " cannot be carried by the column's type");
            }
        }
        for (Field field : required) {
            if (row.get(field) == null) {
                return Refusal.value(field.name(), "its value could not be read, and it may not be null");
            }
        }
        return atMost(row) <= largest ? null : tooLarge(row, largest);
    }

    /** Returns whether both images fit into one record. */
    boolean together(Struct before, Struct after, long largest) {
        if (before == null || after == null || atMost(before) + atMost(after) <= largest) {
            return true;
        }
        return bytes(before) + bytes(after) <= largest;
    }

    /** Returns the record in a schema without defaults that would replace nulls. */
    SourceRecord plain(SourceRecord record) {
        if (envelope == record.valueSchema()) {
            return record;
        }
        Struct change = (Struct) record.value();
        return with(record, change.getString(Envelope.FieldName.OPERATION),
                change.getStruct(Envelope.FieldName.BEFORE), change.getStruct(Envelope.FieldName.AFTER));
    }

    /** Returns the record with another operation and other images. */
    SourceRecord with(SourceRecord record, String op, Struct before, Struct after) {
        Struct old = (Struct) record.value();
        Struct change = new Struct(envelope);
        for (Field field : envelope.fields()) {
            Object value = switch (field.name()) {
                case Envelope.FieldName.OPERATION -> op;
                case Envelope.FieldName.BEFORE -> copied(before);
                case Envelope.FieldName.AFTER -> copied(after);
                default -> old.getWithoutDefault(field.name());
            };
            if (value != null) {
                change.put(field, value);
            }
        }
        return new SourceRecord(record.sourcePartition(), record.sourceOffset(), record.topic(), record.kafkaPartition(),
                record.keySchema(), record.key(), envelope, change, record.timestamp(), record.headers());
    }

    private Struct copied(Struct old) {
        if (old == null || old.schema() == row) {
            return old;
        }
        Struct copy = new Struct(row);
        for (Field field : row.fields()) {
            Object value = old.getWithoutDefault(field.name());
            if (value != null) {
                copy.put(field, value);
            }
        }
        return copy;
    }

    private static boolean maySpecial(Schema schema) {
        return schema.type() == Schema.Type.ARRAY
                || Decimal.LOGICAL_NAME.equals(schema.name())
                || Date.SCHEMA_NAME.equals(schema.name());
    }

    private static boolean isSized(Schema schema) {
        return switch (schema.type()) {
            case STRING, ARRAY, MAP, STRUCT -> true;
            case BYTES -> !Decimal.LOGICAL_NAME.equals(schema.name());
            default -> false;
        };
    }

    private static boolean replacesNull(Field field) {
        return field.schema().isOptional() && field.schema().defaultValue() != null;
    }

    /** Returns an upper bound of the row's bytes in Avro, from lengths only. */
    private long atMost(Struct row) {
        long bytes = fixed;
        for (Field field : sized) {
            bytes += Sizes.atMost(row.get(field));
        }
        return bytes;
    }

    private long bytes(Struct row) {
        long bytes = fixed;
        for (Field field : sized) {
            bytes += Sizes.of(row.get(field));
        }
        return bytes;
    }

    private Refusal tooLarge(Struct row, long largest) {
        long all = bytes(row);
        if (all <= largest) {
            return null;
        }
        Field most = sized.get(0);
        for (Field field : sized) {
            most = Sizes.of(row.get(field)) > Sizes.of(row.get(most)) ? field : most;
        }
        return Refusal.tooLarge(most.name(), all, largest);
    }

    private static Schema withoutDefaults(Schema rows) {
        SchemaBuilder copy = like(rows);
        for (Field field : rows.fields()) {
            copy.field(field.name(), replacesNull(field) ? withoutDefault(field.schema()) : field.schema());
        }
        return copy.build();
    }

    private static Schema withoutDefault(Schema schema) {
        SchemaBuilder copy = like(schema);
        if (schema.type() == Schema.Type.STRUCT) {
            schema.fields().forEach(field -> copy.field(field.name(), field.schema()));
        }
        return copy.build();
    }

    private static Schema withRows(Schema change, Schema row) {
        SchemaBuilder copy = like(change);
        for (Field field : change.fields()) {
            boolean image = field.name().equals(Envelope.FieldName.BEFORE) || field.name().equals(Envelope.FieldName.AFTER);
            copy.field(field.name(), image ? row : field.schema());
        }
        return copy.build();
    }

    private static SchemaBuilder like(Schema schema) {
        SchemaBuilder copy = switch (schema.type()) {
            case ARRAY -> SchemaBuilder.array(schema.valueSchema());
            case MAP -> SchemaBuilder.map(schema.keySchema(), schema.valueSchema());
            default -> SchemaBuilder.type(schema.type());
        };
        copy.name(schema.name()).version(schema.version()).doc(schema.doc());
        if (schema.parameters() != null) {
            copy.parameters(schema.parameters());
        }
        return schema.isOptional() ? copy.optional() : copy;
    }
}
