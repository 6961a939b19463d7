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
 * Knows a record's id in the registry by the record's schema object, where the default resolver writes the schema out
 * as JSON for every record and looks that text up: most of what a source task's thread did.
 *
 * <p>The converter gives all records of one table version the same schema object. A schema that was registered once
 * keeps its content id, so what is known never ages; it is forgotten with the task.
 */
public final class LastSchemaResolver<S, T> extends DefaultSchemaResolver<S, T> {

    /** Shorter than Kafka lets a consumer be silent (`max.poll.interval.ms`, five minutes). */
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
     * The schema of an id. A registry that does not answer is waited for; one that stays away, or does not know who asks,
     * ends the task at its last commit, to be restarted. A good record never becomes a dead letter for it: Connect's own
     * retries (`errors.retry.timeout`) make it one as soon as the task is told to stop. What the registry says of a schema,
     * e.g. that there is none, has an exception of its own class.
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
