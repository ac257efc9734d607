package io.github.medpsy4j.engine;

import java.util.Arrays;

/**
 * What a forward pass of some rows costs against one of a single row, learnt from passes as they happen. One thread at a
 * time.
 */
class BatchCosts {
    /** Rows that are told apart; more are taken to cost in proportion. */
    static final int ROWS_MAX = 32;

    /** How much of a new measurement is believed. */
    private static final double TRUST = 0.2;

    /** A measurement so far from what was expected is a machine that was busy elsewhere, at least the first time. */
    private static final double OUTLIER = 4;

    private static final int CLASSES = 5;

    /** Passes of a single row after which what was learnt of others has faded to a third. */
    private static final double AGING = 256;

    /** Nanoseconds of a single row; 0 while unknown. */
    private double single;
    /** By class of rows: how the true cost stands to what is assumed. */
    private final double[] correction = new double[CLASSES];

    BatchCosts() {
        Arrays.fill(correction, 1);
    }

    /** A pass took this long. */
    void measured(int rows, long nanos) {
        if (rows == 1) {
            single = single == 0 ? nanos : single + TRUST * (Math.min((double) nanos, OUTLIER * single) - single);
            age();
            return;
        }
        if (single == 0 || rows > ROWS_MAX) {
            return;
        }
        int c = classOf(rows);
        double ratio = nanos / (single * assumed(rows));
        correction[c] += TRUST * (Math.clamp(ratio, 1 / OUTLIER, OUTLIER) - correction[c]);
    }

    /** What was learnt of larger sizes fades while they are not used, so that they are tried again some day. */
    private void age() {
        for (int c = 0; c < CLASSES; c++) {
            correction[c] += (1 - correction[c]) / AGING;
        }
    }

    /** The cost of a pass in passes of a single row, never falling with the rows. */
    double of(int rows) {
        if (rows <= 1) {
            return 1;
        }
        double cost = Math.max(1, assumed(rows) * correction[classOf(Math.min(rows, ROWS_MAX))]);
        return rows > ROWS_MAX ? cost * rows / ROWS_MAX : cost;
    }

    /**
     * What is assumed at first. Kernels read weights once for up to four rows, and again for the next four. Measured with
     * Q4_K_M weights of 0.5B parameters on two cores with AVX2: 1, 1.5, 2.1, 2.1 for 1 to 4 rows, 2.7 for 8, 4.8 for 16,
     * 8.4 for 32.
     */
    private static double assumed(int rows) {
        return rows == 2 ? 1.55 : 1.2 + 0.85 * ((rows + 3) / 4);
    }

    private static int classOf(int rows) {
        return rows <= 2 ? 0 : rows <= 4 ? 1 : rows <= 8 ? 2 : rows <= 16 ? 3 : 4;
    }
}
