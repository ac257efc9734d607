package io.github.medpsy4j.engine.kernel;

/**
 * The exponential function in float: the constants that the scalar and the vector kernels share, and the scalar twin.
 * x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by the polynomial of Cephes' expf; within 2 units in the last place of
 * {@link Math#exp} over [-87, 88], tested. Both twins do the same operations in the same order, so they agree bit for
 * bit.
 */
final class Exp {
    /** Below this e^x is returned as 0: the result would be subnormal. */
    static final float LOWEST = -87.3f;

    /** Above this the argument is clamped: e^88.3 is near the greatest float. */
    static final float HIGHEST = 88.3f;

    static final float LOG2_E = 1.442695f;
    /** Adding and subtracting 1.5·2^23 rounds a float of small magnitude to an integer. */
    static final float ROUND = 12_582_912f;

    /** ln 2 in two parts; the first has few enough bits that n·LN2_HIGH is exact. */
    static final float LN2_HIGH = 0.6933594f;

    static final float LN2_LOW = -0.00021219444f;
    static final float P0 = 0.00019875691f;
    static final float P1 = 0.0013981999f;
    static final float P2 = 0.008333452f;
    static final float P3 = 0.041665796f;
    static final float P4 = 0.16666666f;
    static final float P5 = 0.5f;

    private Exp() {}

    static float exp(float x) {
        if (Float.isNaN(x)) {
            return x;
        }
        if (x < LOWEST) {
            return 0;
        }
        x = Math.min(x, HIGHEST);
        float n = Math.fma(x, LOG2_E, ROUND) - ROUND;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float p = Math.fma(P0, r, P1);
        p = Math.fma(p, r, P2);
        p = Math.fma(p, r, P3);
        p = Math.fma(p, r, P4);
        p = Math.fma(p, r, P5);
        p = Math.fma(p, r * r, r) + 1;
        return p * Float.intBitsToFloat(((int) n + 127) << 23);
    }
}
