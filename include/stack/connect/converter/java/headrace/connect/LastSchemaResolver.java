package headrace.connect;

import io.apicurio.registry.resolver.DefaultSchemaResolver;
import io.apicurio.registry.resolver.SchemaLookupResult;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.serde.data.KafkaSerdeMetadata;
import io.apicurio.rest.client.auth.exception.ForbiddenException;
import io.apicurio.rest.client.auth.exception.NotAuthorizedException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericContainer;

/**
 * Schema resolver that caches the registry id by schema object. The default resolver serialises the schema to JSON for
 * every record and looks up that text, which took most of a source task's CPU time.
 *
 * <p>The converter gives all records of one table version the same schema object. A registered schema keeps its content
 * id, so cache entries never expire; the cache is cleared with the task.
 */
public final class LastSchemaResolver<S, T> extends DefaultSchemaResolver<S, T> {

    /** Time to wait for the registry; shorter than Kafka's `max.poll.interval.ms` (five minutes). */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Duration PAUSE = Duration.ofSeconds(1);

    private record Known<S>(Schema schema, SchemaLookupResult<S> found) {}

    private final Map<String, Known<S>> lastByTopic = new ConcurrentHashMap<>();

    @Override
    public SchemaLookupResult<S> resolveSchema(Record<T> data) {
        if (!(data.payload() instanceof GenericContainer record)
                || !(data.metadata() instanceof KafkaSerdeMetadata metadata)) {
            return super.resolveSchema(data);
        }
        Known<S> last = lastByTopic.get(metadata.getTopic());
        if (last == null || last.schema() != record.getSchema()) {
            last = new Known<>(record.getSchema(), super.resolveSchema(data));
            lastByTopic.put(metadata.getTopic(), last);
        }
        return last.found();
    }

    /**
     * Returns the schema of an id, and waits for a registry that does not answer. If the registry stays unavailable or
     * rejects the login, the task fails at its last commit and is restarted. A valid record therefore never becomes a dead
     * letter, as it would with Connect's own retries (`errors.retry.timeout`) when the task is stopped. Errors of the
     * registry about a schema, e.g. not found, have their own exception classes.
     */
    @Override
    public SchemaLookupResult<S> resolveSchemaByArtifactReference(ArtifactReference reference) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return super.resolveSchemaByArtifactReference(reference);
            } catch (NotAuthorizedException | ForbiddenException refused) {
                throw new RegistryAway("the schema registry does not let Kafka Connect in", refused);
            } catch (RestClientException away) {
                if (away.getClass() != RestClientException.class) {
                    throw away;
                }
                if (System.nanoTime() > end) {
                    throw new RegistryAway("the schema registry did not answer for " + PATIENCE.toSeconds() + " s", away);
                }
                pause(away);
            }
        }
    }

    private static void pause(RestClientException why) {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new RegistryAway("stopped while the schema registry did not answer", why);
        }
    }

    @Override
    public void reset() {
        lastByTopic.clear();
        super.reset();
    }
}
