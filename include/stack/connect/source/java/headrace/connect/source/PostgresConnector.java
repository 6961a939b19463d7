package headrace.connect.source;

import org.apache.kafka.connect.connector.Task;

/** Debezium's connector with our task, whose poll turns a change that cannot be carried into a dead letter. */
public final class PostgresConnector extends io.debezium.connector.postgresql.PostgresConnector {

    @Override
    public Class<? extends Task> taskClass() {
        return PostgresTask.class;
    }
}
