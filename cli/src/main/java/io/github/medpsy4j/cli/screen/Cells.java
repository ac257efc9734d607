package io.github.medpsy4j.cli.screen;

import java.util.Arrays;

/**
 * How many cells of a terminal characters take. The code points of a text are added one after the other, because a
 * combining mark, a joiner or a variation selector changes what stands before it.
 */
public final class Cells {
    private static final int JOINER = 0x200D;
    private static final int EMOJI_STYLE = 0xFE0F;
    private static final int SOFT_HYPHEN = 0xAD;

    /** First and last of the ranges two cells wide: EastAsianWidth.txt of Unicode 18, W and F. */
    private static final int[] WIDE = {
        0x1100, 0x115F, 0x231A, 0x231B, 0x2329, 0x232A, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD, 0x25FE,
        0x2614, 0x2615, 0x2630, 0x2637, 0x2648, 0x2653, 0x267F, 0x267F, 0x268A, 0x268F, 0x2693, 0x2693, 0x26A1, 0x26A1,
        0x26AA, 0x26AB, 0x26BD, 0x26BE, 0x26C4, 0x26C5, 0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA, 0x26F2, 0x26F3,
        0x26F5, 0x26F5, 0x26FA, 0x26FA, 0x26FD, 0x26FD, 0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C,
        0x274E, 0x274E, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B, 0x2B1C,
        0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x2E80, 0x3029, 0x3030, 0x303E, 0x3041, 0x3163, 0x3165, 0x3247, 0x3250, 0xA4C6,
        0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xF900, 0xFAFF, 0xFE10, 0xFE6B, 0xFF01, 0xFF60, 0xFFE0, 0xFFE6, 0x16FE0,
        0x16FE3, 0x16FF2, 0x191D2, 0x1AFF0, 0x1B2FB, 0x1D300, 0x1D376, 0x1F004, 0x1F004, 0x1F0CF, 0x1F0CF, 0x1F18E,
        0x1F18E, 0x1F191, 0x1F19A, 0x1F1AE, 0x1F320, 0x1F32D, 0x1F335, 0x1F337, 0x1F37C, 0x1F37E, 0x1F393, 0x1F3A0,
        0x1F3CA, 0x1F3CF, 0x1F3D3, 0x1F3E0, 0x1F3F0, 0x1F3F4, 0x1F3F4, 0x1F3F8, 0x1F43E, 0x1F440, 0x1F440, 0x1F442,
        0x1F4FC, 0x1F4FF, 0x1F53D, 0x1F54B, 0x1F54E, 0x1F550, 0x1F567, 0x1F57A, 0x1F57A, 0x1F595, 0x1F596, 0x1F5A4,
        0x1F5A4, 0x1F5FB, 0x1F64F, 0x1F680, 0x1F6C5, 0x1F6CC, 0x1F6CC, 0x1F6D0, 0x1F6D2, 0x1F6D5, 0x1F6DF, 0x1F6EB,
        0x1F6EC, 0x1F6F4, 0x1F6FC, 0x1F7DA, 0x1F7F0, 0x1F90C, 0x1F93A, 0x1F93C, 0x1F945, 0x1F947, 0x1F9FF, 0x1FA70,
        0x1FAFA, 0x20000, 0x3FFFD
    };

    private int previous = -1;
    private int previousCells;
    private boolean isJoined;

    /** Adds a code point; returns by how many cells the text grew: 0, 1 or 2. */
    int add(int codePoint) {
        int before = previous;
        boolean joins = isJoined;
        isJoined = codePoint == JOINER;
        if (isJoined) {
            return 0;
        }
        if (codePoint == EMOJI_STYLE) {
            boolean widens = previousCells == 1 && Character.isEmoji(before);
            previousCells = 2;
            return widens ? 1 : 0;
        }
        boolean isPart = (joins && Character.isExtendedPictographic(codePoint))
                || (before >= 0 && Character.isEmojiModifier(codePoint) && Character.isEmojiModifierBase(before));
        previous = codePoint;
        previousCells = isPart ? 0 : width(codePoint);
        return previousCells;
    }

    /** The cells of a code point that stands alone. */
    private static int width(int codePoint) {
        if (codePoint < 0x300) {
            return codePoint == SOFT_HYPHEN || (codePoint >= ' ' && (codePoint < 0x7f || codePoint > 0x9f)) ? 1 : 0;
        }
        boolean isMedialJamo = codePoint >= 0x1160 && codePoint <= 0x11FF; // drawn into the syllable before
        int type = Character.getType(codePoint);
        if (isMedialJamo
                || type == Character.NON_SPACING_MARK
                || type == Character.ENCLOSING_MARK
                || type == Character.FORMAT) {
            return 0;
        }
        boolean isHalfAFlag = codePoint >= 0x1F1E6 && codePoint <= 0x1F1FF; // two of them are one wide flag
        return isWide(codePoint) && !isHalfAFlag ? 2 : 1;
    }

    /** Whether a code point is two cells wide: lines may break beside most of these without a space. */
    static boolean isWide(int codePoint) {
        if (codePoint < WIDE[0]) {
            return false;
        }
        int at = Arrays.binarySearch(WIDE, codePoint);
        return at >= 0 || (-at - 1) % 2 == 1; // between a range's first and its last
    }

    /** The cells of a text without line breaks. */
    public static int of(String text) {
        Cells cells = new Cells();
        return text.codePoints().map(cells::add).sum();
    }
}
