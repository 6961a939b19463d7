package headrace.connect.source;

import org.apache.kafka.connect.connector.Task;

/** Debezium's connector with our task, which writes a dead letter for each change that cannot be sent. */
public final class PostgresConnector extends io.debezium.connector.postgresql.PostgresConnector {

    @Override
    public Class<? extends Task> taskClass() {
        return PostgresTask.class;
    }
}
