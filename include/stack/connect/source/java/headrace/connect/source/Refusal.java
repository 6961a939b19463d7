package headrace.connect.source;

/**
 * Reason why a change cannot be sent.
 *
 * @param rule short name of the violated rule
 * @param field the column, or null for the whole change
 * @param reason message for users
 * @param bytes size of the row if the row is too large, else 0
 */
record Refusal(String rule, String field, String reason, long bytes) {

    static final Refusal TRUNCATED = new Refusal(
            "truncate",
            null,
            "the table was truncated: rows that were there are still served. Trigger reread_tables for its dataset",
            0);

    static Refusal value(String field, String reason) {
        return new Refusal("value", field, "field \"" + field + "\": " + reason, 0);
    }

    static Refusal tooLarge(String field, long bytes, long largest) {
        String reason = "the row has " + bytes + " bytes, most of them in field \"" + field + "\"; at most " + largest
                + " are carried";
        return new Refusal("too-large", field, reason, bytes);
    }
}
