package headrace.connect.source;

import static io.debezium.connector.postgresql.PostgresValueConverter.NEGATIVE_INFINITY_LOCAL_DATE;
import static io.debezium.connector.postgresql.PostgresValueConverter.POSITIVE_INFINITY_LOCAL_DATE;

import io.debezium.time.ZonedTimestamp;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.PGStatement;

/** Parser of values in PostgreSQL's text format. */
final class Texts {

    private static final Pattern DATE = Pattern.compile("(\\d+)-(\\d\\d)-(\\d\\d)( BC)?");
    private static final Pattern INSTANT = Pattern.compile(
            "(\\d+)-(\\d\\d)-(\\d\\d) (\\d\\d):(\\d\\d):(\\d\\d)(?:\\.(\\d{1,6}))?([+-]\\d\\d(?::\\d\\d){0,2})( BC)?");

    /** First day after the ten days that Java's calendar lacks; the driver reads those as days from here on. */
    private static final LocalDate AFTER_THE_GAP = LocalDate.of(1582, 10, 15);

    private Texts() {}

    /** Returns the placeholder for NaN, Infinity or -Infinity; null for any other text. */
    static BigDecimal special(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "nan" -> Special.NAN;
            case "infinity", "positive_infinity", "+infinity" -> Special.INFINITY;
            case "-infinity", "negative_infinity" -> Special.NEGATIVE_INFINITY;
            default -> null;
        };
    }

    static Object number(String text, int scale) {
        BigDecimal special = special(text);
        return special == null ? new BigDecimal(text).setScale(scale) : special;
    }

    static Object bytes(String text) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(text, 2, text.length()));
    }

    /** Converts a date of Debezium, from the log or from a snapshot, to days since 1970. */
    static Object day(Object value) {
        if (value == null || value instanceof Integer) {
            return value;
        }
        if (value instanceof LocalDate date) {
            return infinite(date) != null ? infinite(date) : (Object) Math.toIntExact(date.toEpochDay());
        }
        if (value instanceof java.util.Date date) {
            return day(date);
        }
        return date(value.toString());
    }

    /** Debezium's two infinite dates are one day apart, before every date of PostgreSQL. */
    private static Integer infinite(LocalDate date) {
        return date.equals(POSITIVE_INFINITY_LOCAL_DATE) ? Special.LATEST
                : date.equals(NEGATIVE_INFINITY_LOCAL_DATE) ? Special.EARLIEST
                : null;
    }

    /** Reads year, month and day from a calendar, as the driver has filled it. */
    private static Object day(java.util.Date date) {
        if (date.getTime() >= PGStatement.DATE_POSITIVE_SMALLER_INFINITY) {
            return Special.LATEST;
        }
        if (date.getTime() <= PGStatement.DATE_NEGATIVE_SMALLER_INFINITY) {
            return Special.EARLIEST;
        }
        GregorianCalendar calendar = new GregorianCalendar();
        calendar.setTime(date);
        int year = calendar.get(Calendar.YEAR);
        int proleptic = calendar.get(Calendar.ERA) == GregorianCalendar.BC ? 1 - year : year;
        LocalDate local = LocalDate.of(
                proleptic, calendar.get(Calendar.MONTH) + 1, calendar.get(Calendar.DAY_OF_MONTH));
        boolean ambiguous = !local.isBefore(AFTER_THE_GAP) && local.isBefore(AFTER_THE_GAP.plusDays(10));
        return ambiguous ? Special.AMBIGUOUS : (Object) Math.toIntExact(local.toEpochDay());
    }

    static Object date(String text) {
        if (text.equals("infinity") || text.equals("-infinity")) {
            return text.startsWith("-") ? Special.EARLIEST : Special.LATEST;
        }
        Matcher parts = DATE.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("no date");
        }
        return Math.toIntExact(LocalDate.of(year(parts.group(1), parts.group(4)), number(parts, 2), number(parts, 3))
                .toEpochDay());
    }

    /** Converts an instant to Debezium's text format. */
    static Object instant(String text) {
        if (text.equals("infinity") || text.equals("-infinity")) {
            return text;
        }
        Matcher parts = INSTANT.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("no instant");
        }
        String fraction = parts.group(7) == null ? "" : parts.group(7);
        LocalDateTime local = LocalDateTime.of(
                        year(parts.group(1), parts.group(9)), number(parts, 2), number(parts, 3), number(parts, 4),
                        number(parts, 5), number(parts, 6))
                .plus(Long.parseLong((fraction + "000000").substring(0, 6)), ChronoUnit.MICROS);
        return ZonedTimestamp.toIsoString(
                local.atOffset(ZoneOffset.of(parts.group(8))).withOffsetSameInstant(ZoneOffset.UTC).toZonedDateTime(),
                ZoneOffset.UTC, null, null);
    }

    private static int year(String digits, String era) {
        int year = Integer.parseInt(digits);
        return era == null ? year : 1 - year;
    }

    private static int number(Matcher parts, int group) {
        return Integer.parseInt(parts.group(group));
    }
}
