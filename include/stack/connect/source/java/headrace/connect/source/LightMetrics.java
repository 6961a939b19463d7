package headrace.connect.source;

import io.debezium.pipeline.ChangeEventSourceCoordinator;
import io.debezium.pipeline.metrics.PipelineMetrics;
import io.debezium.pipeline.source.spi.EventMetadataProvider;
import io.debezium.pipeline.spi.OffsetContext;
import io.debezium.pipeline.txmetadata.TransactionInfo;
import io.debezium.spi.schema.DataCollectionId;
import java.lang.reflect.Field;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.connect.data.Struct;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Metadata without the text of each event. Debezium 3.6 writes every change as JSON for its JMX attribute `LastEvent`, which
 * takes a quarter of the snapshot's CPU time. No setting switches it off, so this class replaces the private field.
 */
record LightMetrics(EventMetadataProvider whole) implements EventMetadataProvider {

    private static final Logger LOG = LoggerFactory.getLogger(LightMetrics.class);

    /** Replaces the provider of both metrics; leaves it, with a warning, if Debezium's fields have changed. */
    static void into(ChangeEventSourceCoordinator<?, ?> coordinator) {
        for (String metrics : new String[] {"snapshotMetrics", "streamingMetrics"}) {
            try {
                Object meter = value(
                        value(coordinator, ChangeEventSourceCoordinator.class, metrics),
                        PipelineMetrics.class, "commonEventMeter");
                Field provider = field(meter.getClass(), "metadataProvider");
                provider.set(meter, new LightMetrics((EventMetadataProvider) provider.get(meter)));
            } catch (ReflectiveOperationException | RuntimeException changed) {
                LOG.warn("Debezium writes every change as text for its metrics, which costs CPU: {}", changed.toString());
            }
        }
    }

    private static Object value(Object owner, Class<?> declaring, String name) throws ReflectiveOperationException {
        return field(declaring, name).get(owner);
    }

    private static Field field(Class<?> declaring, String name) throws NoSuchFieldException {
        Field found = declaring.getDeclaredField(name);
        found.setAccessible(true);
        return found;
    }

    @Override
    public String toSummaryString(DataCollectionId source, OffsetContext offset, Object key, Struct value) {
        return "";
    }

    @Override
    public Instant getEventTimestamp(DataCollectionId source, OffsetContext offset, Object key, Struct value) {
        return whole.getEventTimestamp(source, offset, key, value);
    }

    @Override
    public Map<String, String> getEventSourcePosition(
            DataCollectionId source, OffsetContext offset, Object key, Struct value) {
        return whole.getEventSourcePosition(source, offset, key, value);
    }

    @Override
    public String getTransactionId(DataCollectionId source, OffsetContext offset, Object key, Struct value) {
        return whole.getTransactionId(source, offset, key, value);
    }

    @Override
    public TransactionInfo getTransactionInfo(DataCollectionId source, OffsetContext offset, Object key, Struct value) {
        return whole.getTransactionInfo(source, offset, key, value);
    }
}
