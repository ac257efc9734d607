package io.github.medpsy4j.engine.template;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code datetime.now().strftime(format)} in the C locale, with glibc's flags {@code - _ 0 ^}. */
final class Strftime {
    private Strftime() {}

    static String format(String format, LocalDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            char flag = 0;
            if ("-_0^".indexOf(format.charAt(i + 1)) >= 0 && i + 2 < format.length()) {
                flag = format.charAt(++i);
            }
            String text = directive(format.charAt(++i), flag, time);
            out.append(
                    text == null
                            ? "%" + (flag == 0 ? "" : flag) + format.charAt(i)
                            : flag == '^' ? text.toUpperCase(Locale.ROOT) : text);
        }
        return out.toString();
    }

    /** What the directive stands for, or null if there is none of that letter. */
    private static String directive(char letter, char flag, LocalDateTime time) {
        int hour12 = (time.getHour() + 11) % 12 + 1;
        int sunday = time.getDayOfWeek().getValue() % 7;
        return switch (letter) {
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'c' -> format("%a %b %e %H:%M:%S %Y", time);
            case 'C' -> number(time.getYear() / 100, 2, '0', flag);
            case 'd' -> number(time.getDayOfMonth(), 2, '0', flag);
            case 'D', 'x' -> format("%m/%d/%y", time);
            case 'e' -> number(time.getDayOfMonth(), 2, ' ', flag);
            case 'f' -> number(time.getNano() / 1000, 6, '0', (char) 0);
            case 'F' -> format("%Y-%m-%d", time);
            case 'g' -> number(time.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, '0', flag);
            case 'G' -> number(time.get(IsoFields.WEEK_BASED_YEAR), 4, '0', flag);
            case 'H' -> number(time.getHour(), 2, '0', flag);
            case 'I' -> number(hour12, 2, '0', flag);
            case 'j' -> number(time.getDayOfYear(), 3, '0', flag);
            case 'k' -> number(time.getHour(), 2, ' ', flag);
            case 'l' -> number(hour12, 2, ' ', flag);
            case 'm' -> number(time.getMonthValue(), 2, '0', flag);
            case 'M' -> number(time.getMinute(), 2, '0', flag);
            case 'n' -> "\n";
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'P' -> time.getHour() < 12 ? "am" : "pm";
            case 'r' -> format("%I:%M:%S %p", time);
            case 'R' -> format("%H:%M", time);
            case 'S' -> number(time.getSecond(), 2, '0', flag);
            case 't' -> "\t";
            case 'T', 'X' -> format("%H:%M:%S", time);
            case 'u' -> number(time.getDayOfWeek().getValue(), 1, '0', flag);
            case 'U' -> number((time.getDayOfYear() + 6 - sunday) / 7, 2, '0', flag);
            case 'V' -> number(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, '0', flag);
            case 'w' -> number(sunday, 1, '0', flag);
            case 'W' -> number((time.getDayOfYear() + 6 - (sunday + 6) % 7) / 7, 2, '0', flag);
            case 'y' -> number(time.getYear() % 100, 2, '0', flag);
            case 'Y' -> number(time.getYear(), 4, '0', flag);
            // A time without a zone, as datetime.now() is, has neither offset nor name.
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> null;
        };
    }

    private static String number(int value, int width, char padding, char flag) {
        String digits = Integer.toString(value);
        char pad = flag == '_' ? ' ' : flag == '0' ? '0' : padding;
        return flag == '-' ? digits : String.valueOf(pad).repeat(Math.max(0, width - digits.length())) + digits;
    }
}
