package headrace.connect.source;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresOffsetContext;
import io.debezium.connector.postgresql.PostgresPartition;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.pipeline.ChangeEventSourceCoordinator;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;

/** Debezium's task with a `Gate` for all polled records, because Kafka Connect cannot skip records of a source. */
public final class PostgresTask extends PostgresConnectorTask {

    static final String DEAD_LETTER_TOPIC = "headrace.dead.letter.topic";
    static final String LARGEST = "headrace.largest.record.bytes";
    private static final String EMPTY_ENUMS = "SELECT string_agg(t.oid::regtype::text, ', ') FROM pg_type t"
            + " WHERE t.typtype = 'e' AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = t.oid)";

    private final AtomicBoolean isNew = new AtomicBoolean();
    private Gate gate;

    @Override
    public ChangeEventSourceCoordinator<PostgresPartition, PostgresOffsetContext> start(Configuration config) {
        gate = new Gate(new DeadLetters(config.getString(DEAD_LETTER_TOPIC)), config.getLong(LARGEST, 32L << 20));
        try {
            var coordinator = super.start(config);
            LightMetrics.into(coordinator);
            return coordinator;
        } catch (RuntimeException cause) {
            String types = isNull(cause) ? emptyEnums(config) : null;
            if (types == null) {
                throw cause;
            }
            String reason = "the source database has enumerated types without values: " + types
                    + ". Run ALTER TYPE … ADD VALUE, or DROP TYPE, for each; the connector then starts";
            throw new ConnectException(reason, cause);
        }
    }

    private static boolean isNull(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof NullPointerException) {
                return true;
            }
        }
        return false;
    }

    /** Returns the enumerated types without values, for which Debezium fails at start; null if there are none. */
    private static String emptyEnums(Configuration config) {
        try (PostgresConnection database =
                new PostgresConnection(new PostgresConnectorConfig(config).getJdbcConfig(), "headrace-types")) {
            return database.queryAndMap(EMPTY_ENUMS, found -> found.next() ? found.getString(1) : null);
        } catch (SQLException unknown) {
            return null;
        }
    }

    @Override
    public List<SourceRecord> doPoll() throws InterruptedException {
        List<SourceRecord> passed = gate.pass(super.doPoll());
        if (!passed.isEmpty()) {
            isNew.set(true);
        }
        return passed;
    }

    /**
     * Confirms to the source the offsets stored in Kafka, only after new records. Kafka Connect calls this after every poll,
     * fifty times a second, and Debezium reads its offsets back from Kafka each time.
     */
    @Override
    public void commit() throws InterruptedException {
        if (isNew.getAndSet(false)) {
            super.commit();
        }
    }
}
