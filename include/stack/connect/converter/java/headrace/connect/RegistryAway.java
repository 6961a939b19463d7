package headrace.connect;

/**
 * The schema registry is unavailable.
 *
 * <p>This is an Error, not an Exception: if a connector tolerates errors, Connect turns any exception of a converter into a
 * dead letter. An Error ends the task.
 */
final class RegistryAway extends Error {

    private static final long serialVersionUID = 1L;

    RegistryAway(String message, Throwable cause) {
        super(message, cause);
    }
}
