package headrace.connect.source;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Parser of the text of a PostgreSQL array: `{1,NULL,"a, b"}`. */
final class Arrays {

    private Arrays() {}

    /** Returns the elements; a constant of `Special` for nested arrays and for arrays that do not begin at 1. */
    static List<Object> read(String text, Function<String, Object> element) {
        if (text.startsWith("[")) {
            return text.contains("]={{") ? Special.NESTED_ARRAY : Special.SHIFTED_ARRAY;
        }
        int end = text.length() - 1;
        if (end < 1 || text.charAt(0) != '{' || text.charAt(end) != '}') {
            throw new IllegalArgumentException("no array");
        }
        if (text.charAt(1) == '{') {
            return Special.NESTED_ARRAY;
        }
        List<Object> found = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        boolean quoted = false;
        boolean wasQuoted = false;
        for (int at = 1; at < end; at++) {
            char c = text.charAt(at);
            if (c == '\\') {
                part.append(text.charAt(++at));
            } else if (c == '"') {
                quoted = !quoted;
                wasQuoted = true;
            } else if (c == ',' && !quoted) {
                found.add(value(part, wasQuoted, element));
                part.setLength(0);
                wasQuoted = false;
            } else {
                part.append(c);
            }
        }
        if (end > 1) {
            found.add(value(part, wasQuoted, element));
        }
        return found;
    }

    private static Object value(StringBuilder part, boolean quoted, Function<String, Object> element) {
        String text = part.toString();
        return !quoted && text.equalsIgnoreCase("NULL") ? null : element.apply(text);
    }
}
