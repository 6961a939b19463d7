package headrace.connect;

import io.apicurio.registry.resolver.DefaultSchemaResolver;
import io.apicurio.registry.resolver.SchemaLookupResult;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.serde.data.KafkaSerdeMetadata;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericContainer;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Knows a record's id in the registry by the record's schema object, where the default resolver writes the schema out
 * as JSON for every record and looks that text up: most of what a source task's thread did.
 *
 * <p>The converter gives all records of one table version the same schema object. A schema that was registered once
 * keeps its content id, so what is known never ages; it is forgotten with the task.
 */
public final class LastSchemaResolver<S, T> extends DefaultSchemaResolver<S, T> {

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
     * The schema of an id. While the registry does not answer, Kafka Connect is told to try again (`errors.retry.timeout`): a
     * sink that starts before the registry would make good records dead letters. What the registry does answer, e.g. that it
     * has no such schema, has an exception of its own class.
     */
    @Override
    public SchemaLookupResult<S> resolveSchemaByArtifactReference(ArtifactReference reference) {
        try {
            return super.resolveSchemaByArtifactReference(reference);
        } catch (RestClientException away) {
            if (away.getClass() != RestClientException.class) {
                throw away;
            }
            throw new RetriableException("the schema registry does not answer", away);
        }
    }

    @Override
    public void reset() {
        lastByTopic.clear();
        super.reset();
    }
}
