package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The types whose weights are a nibble n of 0 to 15 with a scale and an offset for each 32: w = scale·(n - 8) + centre.
 * How their blocks are read from the file is here; the packed form is {@link PanelMatrix}'s.
 */
enum NibbleFormat {
    /** 18 bytes: half d; 16 bytes of which the low nibbles are weights 0-15, the high ones 16-31. w = d·(n - 8). */
    Q4_0(GgmlType.Q4_0, 32, 2),
    /** 20 bytes: halves d, m; nibbles as Q4_0. w = d·n + m. */
    Q4_1(GgmlType.Q4_1, 32, 4),
    /**
     * 144 bytes for 256: halves d, dmin; 12 bytes of 6-bit scales and minima; 4 × 32 bytes of which the low nibbles are
     * 32 weights and the high ones the next 32. w = d·scale·n - dmin·min.
     */
    Q4_K(GgmlType.Q4_K, 256, 16);

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final GgmlType type;
    final int blockWeights;
    private final int quantsOffset;

    NibbleFormat(GgmlType type, int blockWeights, int quantsOffset) {
        this.type = type;
        this.blockWeights = blockWeights;
        this.quantsOffset = quantsOffset;
    }

    /** The format of a type, or null if its weights are no nibbles. */
    static NibbleFormat of(GgmlType type) {
        return switch (type) {
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q4_K -> Q4_K;
            default -> null;
        };
    }

    /** Four consecutive weights, the first in the low nibble: weights 4q..4q+3 of the 32-wide sub-block j of a block. */
    int quad(MemorySegment src, long block, int j, int q) {
        int high;
        long at;
        if (this == Q4_K) {
            high = j & 1;
            at = block + quantsOffset + (j >> 1) * 32L + q * 4L;
        } else {
            high = q >> 2;
            at = block + quantsOffset + (q & 3) * 4L;
        }
        int x = (src.get(INT, at) >>> (4 * high)) & 0x0f0f0f0f;
        x = (x | (x >>> 4)) & 0x00ff00ff;
        return (x | (x >>> 8)) & 0xffff;
    }

    /** The half at the block's start: d. */
    short d(MemorySegment src, long block) {
        return src.get(SHORT, block);
    }

    /** The second half: Q4_1's m, Q4_K's dmin. */
    short m(MemorySegment src, long block) {
        return src.get(SHORT, block + 2);
    }

    /** The four 6-bit scales of sub-blocks 4g..4g+3 of a Q4_K block, a byte each. */
    static int scales(MemorySegment src, long block, int g) {
        return g == 0
                ? src.get(INT, block + 4) & 0x3f3f3f3f
                : (src.get(INT, block + 12) & 0x0f0f0f0f) | ((src.get(INT, block + 4) >>> 2) & 0x30303030);
    }

    /** The four 6-bit minima of sub-blocks 4g..4g+3 of a Q4_K block, a byte each. */
    static int minima(MemorySegment src, long block, int g) {
        return g == 0
                ? src.get(INT, block + 8) & 0x3f3f3f3f
                : ((src.get(INT, block + 12) >>> 4) & 0x0f0f0f0f) | ((src.get(INT, block + 8) >>> 2) & 0x30303030);
    }
}
