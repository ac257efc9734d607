package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The types that {@link PanelMatrix} packs: each weight is scale·c + centre, where c is an integer made of a low nibble
 * and, beyond four bits, of high bits. How their blocks are read from the file is here.
 *
 * <p>A <i>quad</i> is four consecutive weights' fields in four nibbles of a short, the first weight's lowest.
 */
enum PanelFormat {
    /** 18 bytes: half d; 16 bytes, low nibbles weights 0-15, high ones 16-31. w = d·(n - 8). */
    Q4_0(GgmlType.Q4_0, 32, 0),
    /** 20 bytes: halves d, m; nibbles as Q4_0. w = d·n + m. */
    Q4_1(GgmlType.Q4_1, 32, 0),
    /**
     * 144 bytes for 256: halves d, dmin; 12 bytes of 6-bit scales and minima; 4 × 32 bytes of which the low nibbles are
     * 32 weights and the high ones the next 32. w = d·scale·n - dmin·min.
     */
    Q4_K(GgmlType.Q4_K, 256, 0),
    /** 22 bytes: half d; 32 high bits; nibbles as Q4_0. w = d·(n + 16·h - 16). */
    Q5_0(GgmlType.Q5_0, 32, 1),
    /** 24 bytes: halves d, m; 32 high bits; nibbles as Q4_0. w = d·(n + 16·h) + m. */
    Q5_1(GgmlType.Q5_1, 32, 1),
    /** 176 bytes for 256: as Q4_K, with 32 bytes before the nibbles whose bit j is the high bit in sub-block j. */
    Q5_K(GgmlType.Q5_K, 256, 1),
    /**
     * 210 bytes for 256: 128 bytes of nibbles, 64 bytes of high pairs of bits, 16 signed scales, half d. Twice 128
     * weights: bytes l and 32 + l hold low nibbles of weights l and 32 + l and, high, 64 + l and 96 + l; pair p of high
     * byte l belongs to weight 32·p + l. w = d·scale·(n + 16·h - 32), a scale for each 16.
     */
    Q6_K(GgmlType.Q6_K, 256, 2),
    /** 34 bytes: half d; 32 signed bytes. w = d·b, b = (n - 8) + 16·(h - 8) + 8 with h the high nibble, sign flipped. */
    Q8_0(GgmlType.Q8_0, 32, 4);

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    final GgmlType type;
    final int blockWeights;
    /** Bits of a weight beyond its low nibble. */
    final int highBits;

    PanelFormat(GgmlType type, int blockWeights, int highBits) {
        this.type = type;
        this.blockWeights = blockWeights;
        this.highBits = highBits;
    }

    /** The format of a type, or null if it has no packed form. */
    static PanelFormat of(GgmlType type) {
        return switch (type) {
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q4_K -> Q4_K;
            case Q5_0 -> Q5_0;
            case Q5_1 -> Q5_1;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            case Q8_0 -> Q8_0;
            default -> null;
        };
    }

    /** Whether weights have an offset beside their scale. */
    boolean hasCentre() {
        return this == Q4_1 || this == Q4_K || this == Q5_1 || this == Q5_K;
    }

    /** The low nibbles of weights 4q..4q+3 of 32-wide sub-block j of the block at {@code block}. */
    int quad(byte[] src, int block, int j, int q) {
        return switch (this) {
            case Q4_0 -> nibbles(src, block + 2 + (q & 3) * 4, q >> 2);
            case Q4_1 -> nibbles(src, block + 4 + (q & 3) * 4, q >> 2);
            case Q5_0 -> nibbles(src, block + 6 + (q & 3) * 4, q >> 2);
            case Q5_1 -> nibbles(src, block + 8 + (q & 3) * 4, q >> 2);
            case Q4_K -> nibbles(src, block + 16 + (j >> 1) * 32 + q * 4, j & 1);
            case Q5_K -> nibbles(src, block + 48 + (j >> 1) * 32 + q * 4, j & 1);
            case Q6_K -> nibbles(src, block + (j >> 2) * 64 + (j & 1) * 32 + q * 4, (j >> 1) & 1);
            case Q8_0 -> nibbles(src, block + 2 + q * 4, 0);
        };
    }

    /** The high bits of the same weights. */
    int highQuad(byte[] src, int block, int j, int q) {
        return switch (this) {
            case Q5_0 -> spread(int32(src, block + 2) >>> (4 * q));
            case Q5_1 -> spread(int32(src, block + 4) >>> (4 * q));
            case Q5_K -> pack((int32(src, block + 16 + q * 4) >>> j) & 0x01010101);
            case Q6_K -> pack((int32(src, block + 128 + (j >> 2) * 32 + q * 4) >>> (2 * (j & 3))) & 0x03030303);
            case Q8_0 -> pack(((int32(src, block + 2 + q * 4) >>> 4) & 0x0f0f0f0f) ^ 0x08080808);
            case Q4_0, Q4_1, Q4_K -> 0;
        };
    }

    private static int int32(byte[] src, int at) {
        return (int) INT.get(src, at);
    }

    private static int nibbles(byte[] src, int at, int high) {
        return pack((int32(src, at) >>> (4 * high)) & 0x0f0f0f0f);
    }

    /** Four bytes below 16 to four nibbles. */
    private static int pack(int x) {
        x = (x | (x >>> 4)) & 0x00ff00ff;
        return (x | (x >>> 8)) & 0xffff;
    }

    /** The four lowest bits to four nibbles. */
    private static int spread(int x) {
        return (x & 1) | ((x & 2) << 3) | ((x & 4) << 6) | ((x & 8) << 9);
    }

    /** d. */
    short d(byte[] src, int block) {
        return finite((short) SHORT.get(src, this == Q6_K ? block + 208 : block));
    }

    /** The second half: m of Q4_1 and Q5_1, dmin of Q4_K and Q5_K. */
    short m(byte[] src, int block) {
        return finite((short) SHORT.get(src, block + 2));
    }

    /** The kernels widen halves by a shift, which would make a large number of an infinite one. */
    private static short finite(short half) {
        if ((half & 0x7c00) == 0x7c00) {
            throw new ArithmeticException("a block's scale is not a finite number");
        }
        return half;
    }

    /** Four scales of a 256-wide block, a byte each: 4g..4g+3; 6-bit for Q4_K and Q5_K, signed for Q6_K. */
    int scales(byte[] src, int block, int g) {
        if (this == Q6_K) {
            return int32(src, block + 192 + g * 4);
        }
        return g == 0
                ? int32(src, block + 4) & 0x3f3f3f3f
                : (int32(src, block + 12) & 0x0f0f0f0f) | ((int32(src, block + 4) >>> 2) & 0x30303030);
    }

    /** The four 6-bit minima of sub-blocks 4g..4g+3 of a Q4_K or Q5_K block, a byte each. */
    int minima(byte[] src, int block, int g) {
        return g == 0
                ? int32(src, block + 8) & 0x3f3f3f3f
                : ((int32(src, block + 12) >>> 4) & 0x0f0f0f0f) | ((int32(src, block + 8) >>> 2) & 0x30303030);
    }
}
