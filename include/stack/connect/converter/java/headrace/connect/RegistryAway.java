package headrace.connect;

/**
 * The schema of a record cannot be asked for now.
 *
 * <p>An error, not an exception: of any exception of a converter Connect makes a dead letter, where a connector tolerates
 * errors. An error ends the task.
 */
final class RegistryAway extends Error {

    private static final long serialVersionUID = 1L;

    RegistryAway(String message, Throwable cause) {
        super(message, cause);
    }
}
