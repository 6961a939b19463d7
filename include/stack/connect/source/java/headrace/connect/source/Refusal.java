package headrace.connect.source;

/**
 * Why a change cannot be carried.
 *
 * @param rule what it breaks, in a word
 * @param field the column, or null where it is the whole change
 * @param reason for a person
 * @param bytes size of the row where that is the reason, else 0
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
