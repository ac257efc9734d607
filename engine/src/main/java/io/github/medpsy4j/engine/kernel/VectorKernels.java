package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels in the Vector API, at the width the machine prefers. Vectors never leave a method: C2 gives up inlining
 * past a budget and would box every one of them. A loop body stays below some sixty vector operations for the same
 * reason.
 */
final class VectorKernels implements Kernels {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final int LANES = F.length();

    // Lane i takes lane i + d: adding such rotations of a vector sums its lanes in a fixed order. (The order of
    // reduceLanes(ADD) is unspecified, and is another one before a method is compiled than after.)
    private static final VectorShuffle<Float> BY_8 = F.iotaShuffle(8, 1, true);
    private static final VectorShuffle<Float> BY_4 = F.iotaShuffle(4, 1, true);
    private static final VectorShuffle<Float> BY_2 = F.iotaShuffle(2, 1, true);
    private static final VectorShuffle<Float> BY_1 = F.iotaShuffle(1, 1, true);

    @Override
    public String description() {
        return "vector, " + F.vectorBitSize() + " bits"
                + (VectorPanels.WIDE && !VectorPanels.FLOAT_TILES ? ", shorts" : "");
    }

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public WeightDecoder decoder(GgmlType type) {
        return VectorDecoders.of(type);
    }

    @Override
    public void dot4x1(float[] w, int wOffset, int wStride, float[] x, int xOffset, int n, float[] acc, int accOffset) {
        int w1 = wOffset + wStride;
        int w2 = w1 + wStride;
        int w3 = w2 + wStride;
        FloatVector a0 = FloatVector.fromArray(F, acc, accOffset);
        FloatVector a1 = FloatVector.fromArray(F, acc, accOffset + LANES);
        FloatVector a2 = FloatVector.fromArray(F, acc, accOffset + 2 * LANES);
        FloatVector a3 = FloatVector.fromArray(F, acc, accOffset + 3 * LANES);
        for (int k = 0; k < n; k += LANES) {
            FloatVector b = FloatVector.fromArray(F, x, xOffset + k);
            a0 = FloatVector.fromArray(F, w, wOffset + k).fma(b, a0);
            a1 = FloatVector.fromArray(F, w, w1 + k).fma(b, a1);
            a2 = FloatVector.fromArray(F, w, w2 + k).fma(b, a2);
            a3 = FloatVector.fromArray(F, w, w3 + k).fma(b, a3);
        }
        a0.intoArray(acc, accOffset);
        a1.intoArray(acc, accOffset + LANES);
        a2.intoArray(acc, accOffset + 2 * LANES);
        a3.intoArray(acc, accOffset + 3 * LANES);
    }

    @Override
    public void dot4x4(
            float[] w,
            int wOffset,
            int wStride,
            float[] x,
            int xOffset,
            int xStride,
            int n,
            float[] acc,
            int accOffset,
            int accStride) {
        if (LANES < 16) { // and 16 registers
            dot2x4(w, wOffset, wStride, x, xOffset, xStride, n, acc, accOffset, accStride);
            int next = wOffset + 2 * wStride;
            dot2x4(w, next, wStride, x, xOffset, xStride, n, acc, accOffset + 2 * LANES, accStride);
            return;
        }
        int w1 = wOffset + wStride;
        int w2 = w1 + wStride;
        int w3 = w2 + wStride;
        int x1 = xOffset + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int acc1 = accOffset + accStride;
        int acc2 = acc1 + accStride;
        int acc3 = acc2 + accStride;
        FloatVector a00 = FloatVector.fromArray(F, acc, accOffset);
        FloatVector a10 = FloatVector.fromArray(F, acc, accOffset + LANES);
        FloatVector a20 = FloatVector.fromArray(F, acc, accOffset + 2 * LANES);
        FloatVector a30 = FloatVector.fromArray(F, acc, accOffset + 3 * LANES);
        FloatVector a01 = FloatVector.fromArray(F, acc, acc1);
        FloatVector a11 = FloatVector.fromArray(F, acc, acc1 + LANES);
        FloatVector a21 = FloatVector.fromArray(F, acc, acc1 + 2 * LANES);
        FloatVector a31 = FloatVector.fromArray(F, acc, acc1 + 3 * LANES);
        FloatVector a02 = FloatVector.fromArray(F, acc, acc2);
        FloatVector a12 = FloatVector.fromArray(F, acc, acc2 + LANES);
        FloatVector a22 = FloatVector.fromArray(F, acc, acc2 + 2 * LANES);
        FloatVector a32 = FloatVector.fromArray(F, acc, acc2 + 3 * LANES);
        FloatVector a03 = FloatVector.fromArray(F, acc, acc3);
        FloatVector a13 = FloatVector.fromArray(F, acc, acc3 + LANES);
        FloatVector a23 = FloatVector.fromArray(F, acc, acc3 + 2 * LANES);
        FloatVector a33 = FloatVector.fromArray(F, acc, acc3 + 3 * LANES);
        for (int k = 0; k < n; k += LANES) {
            FloatVector v0 = FloatVector.fromArray(F, w, wOffset + k);
            FloatVector v1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector v2 = FloatVector.fromArray(F, w, w2 + k);
            FloatVector v3 = FloatVector.fromArray(F, w, w3 + k);
            FloatVector b = FloatVector.fromArray(F, x, xOffset + k);
            a00 = v0.fma(b, a00);
            a10 = v1.fma(b, a10);
            a20 = v2.fma(b, a20);
            a30 = v3.fma(b, a30);
            b = FloatVector.fromArray(F, x, x1 + k);
            a01 = v0.fma(b, a01);
            a11 = v1.fma(b, a11);
            a21 = v2.fma(b, a21);
            a31 = v3.fma(b, a31);
            b = FloatVector.fromArray(F, x, x2 + k);
            a02 = v0.fma(b, a02);
            a12 = v1.fma(b, a12);
            a22 = v2.fma(b, a22);
            a32 = v3.fma(b, a32);
            b = FloatVector.fromArray(F, x, x3 + k);
            a03 = v0.fma(b, a03);
            a13 = v1.fma(b, a13);
            a23 = v2.fma(b, a23);
            a33 = v3.fma(b, a33);
        }
        a00.intoArray(acc, accOffset);
        a10.intoArray(acc, accOffset + LANES);
        a20.intoArray(acc, accOffset + 2 * LANES);
        a30.intoArray(acc, accOffset + 3 * LANES);
        a01.intoArray(acc, acc1);
        a11.intoArray(acc, acc1 + LANES);
        a21.intoArray(acc, acc1 + 2 * LANES);
        a31.intoArray(acc, acc1 + 3 * LANES);
        a02.intoArray(acc, acc2);
        a12.intoArray(acc, acc2 + LANES);
        a22.intoArray(acc, acc2 + 2 * LANES);
        a32.intoArray(acc, acc2 + 3 * LANES);
        a03.intoArray(acc, acc3);
        a13.intoArray(acc, acc3 + LANES);
        a23.intoArray(acc, acc3 + 2 * LANES);
        a33.intoArray(acc, acc3 + 3 * LANES);
    }

    private static void dot2x4(
            float[] w,
            int wOffset,
            int wStride,
            float[] x,
            int xOffset,
            int xStride,
            int n,
            float[] acc,
            int accOffset,
            int accStride) {
        int w1 = wOffset + wStride;
        int x1 = xOffset + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int acc1 = accOffset + accStride;
        int acc2 = acc1 + accStride;
        int acc3 = acc2 + accStride;
        FloatVector a00 = FloatVector.fromArray(F, acc, accOffset);
        FloatVector a10 = FloatVector.fromArray(F, acc, accOffset + LANES);
        FloatVector a01 = FloatVector.fromArray(F, acc, acc1);
        FloatVector a11 = FloatVector.fromArray(F, acc, acc1 + LANES);
        FloatVector a02 = FloatVector.fromArray(F, acc, acc2);
        FloatVector a12 = FloatVector.fromArray(F, acc, acc2 + LANES);
        FloatVector a03 = FloatVector.fromArray(F, acc, acc3);
        FloatVector a13 = FloatVector.fromArray(F, acc, acc3 + LANES);
        for (int k = 0; k < n; k += LANES) {
            FloatVector v0 = FloatVector.fromArray(F, w, wOffset + k);
            FloatVector v1 = FloatVector.fromArray(F, w, w1 + k);
            FloatVector b = FloatVector.fromArray(F, x, xOffset + k);
            a00 = v0.fma(b, a00);
            a10 = v1.fma(b, a10);
            b = FloatVector.fromArray(F, x, x1 + k);
            a01 = v0.fma(b, a01);
            a11 = v1.fma(b, a11);
            b = FloatVector.fromArray(F, x, x2 + k);
            a02 = v0.fma(b, a02);
            a12 = v1.fma(b, a12);
            b = FloatVector.fromArray(F, x, x3 + k);
            a03 = v0.fma(b, a03);
            a13 = v1.fma(b, a13);
        }
        a00.intoArray(acc, accOffset);
        a10.intoArray(acc, accOffset + LANES);
        a01.intoArray(acc, acc1);
        a11.intoArray(acc, acc1 + LANES);
        a02.intoArray(acc, acc2);
        a12.intoArray(acc, acc2 + LANES);
        a03.intoArray(acc, acc3);
        a13.intoArray(acc, acc3 + LANES);
    }

    @Override
    public float reduce(float[] acc, int offset) {
        return ScalarKernels.reducePairwise(acc, offset, LANES);
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = sum0;
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            sum0 = FloatVector.fromArray(F, a, aOffset + i).fma(FloatVector.fromArray(F, b, bOffset + i), sum0);
            sum1 = FloatVector.fromArray(F, a, aOffset + i + LANES)
                    .fma(FloatVector.fromArray(F, b, bOffset + i + LANES), sum1);
        }
        FloatVector s = FloatVector.zero(F).add(sum0).add(sum1); // what a loop carries is no receiver; see VectorPanels
        s = LANES > 8 ? s.add(s.rearrange(BY_8)) : s;
        s = LANES > 4 ? s.add(s.rearrange(BY_4)) : s;
        s = LANES > 2 ? s.add(s.rearrange(BY_2)) : s;
        float sum = s.add(s.rearrange(BY_1)).lane(0);
        for (; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b[bOffset + i], sum);
        }
        return sum;
    }

    @Override
    public void multiplyAdd(
            int rows,
            float[] a,
            int aOffset,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int cOffset,
            int cStride,
            int columns) {
        int j = 0;
        for (; j <= columns - 4 * LANES; j += 4 * LANES) {
            multiplyAddFourVectors(rows, a, aOffset, aStride, b, bOffset + j, bStride, depth, c, cOffset + j, cStride);
        }
        for (; j <= columns - LANES; j += LANES) {
            for (int r = 0; r < rows; r++) {
                tile1x1(a, aOffset + r * aStride, b, bOffset + j, bStride, depth, c, cOffset + r * cStride + j);
            }
        }
        for (; j < columns; j++) {
            for (int r = 0; r < rows; r++) {
                float sum = c[cOffset + r * cStride + j];
                for (int i = 0; i < depth; i++) {
                    sum = Math.fma(b[bOffset + i * bStride + j], a[aOffset + r * aStride + i], sum);
                }
                c[cOffset + r * cStride + j] = sum;
            }
        }
    }

    private static void multiplyAddFourVectors(
            int rows,
            float[] a,
            int aOffset,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int cOffset,
            int cStride) {
        int r = 0;
        for (; r <= rows - 4; r += 4) {
            int a0 = aOffset + r * aStride;
            int c0 = cOffset + r * cStride;
            // Sixteen sums need the 32 registers that come with vectors of 512 bits.
            if (LANES >= 16) {
                tile4x4(a, a0, aStride, b, bOffset, bStride, depth, c, c0, cStride);
            } else {
                tile4x2(a, a0, aStride, b, bOffset, bStride, depth, c, c0, cStride);
                tile4x2(a, a0, aStride, b, bOffset + 2 * LANES, bStride, depth, c, c0 + 2 * LANES, cStride);
            }
        }
        for (; r <= rows - 2; r += 2) {
            tile2x4(a, aOffset + r * aStride, aStride, b, bOffset, bStride, depth, c, cOffset + r * cStride, cStride);
        }
        if (r < rows) {
            tile1x4(a, aOffset + r * aStride, b, bOffset, bStride, depth, c, cOffset + r * cStride);
        }
    }

    /** 4 rows × 4 vectors of {@link #multiplyAdd}. */
    private static void tile4x4(
            float[] a,
            int a0,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int c0,
            int cStride) {
        int a1 = a0 + aStride;
        int a2 = a1 + aStride;
        int a3 = a2 + aStride;
        int c1 = c0 + cStride;
        int c2 = c1 + cStride;
        int c3 = c2 + cStride;
        FloatVector s00 = FloatVector.fromArray(F, c, c0);
        FloatVector s01 = FloatVector.fromArray(F, c, c0 + LANES);
        FloatVector s02 = FloatVector.fromArray(F, c, c0 + 2 * LANES);
        FloatVector s03 = FloatVector.fromArray(F, c, c0 + 3 * LANES);
        FloatVector s10 = FloatVector.fromArray(F, c, c1);
        FloatVector s11 = FloatVector.fromArray(F, c, c1 + LANES);
        FloatVector s12 = FloatVector.fromArray(F, c, c1 + 2 * LANES);
        FloatVector s13 = FloatVector.fromArray(F, c, c1 + 3 * LANES);
        FloatVector s20 = FloatVector.fromArray(F, c, c2);
        FloatVector s21 = FloatVector.fromArray(F, c, c2 + LANES);
        FloatVector s22 = FloatVector.fromArray(F, c, c2 + 2 * LANES);
        FloatVector s23 = FloatVector.fromArray(F, c, c2 + 3 * LANES);
        FloatVector s30 = FloatVector.fromArray(F, c, c3);
        FloatVector s31 = FloatVector.fromArray(F, c, c3 + LANES);
        FloatVector s32 = FloatVector.fromArray(F, c, c3 + 2 * LANES);
        FloatVector s33 = FloatVector.fromArray(F, c, c3 + 3 * LANES);
        for (int i = 0; i < depth; i++) {
            int at = bOffset + i * bStride;
            FloatVector v0 = FloatVector.fromArray(F, b, at);
            FloatVector v1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector v2 = FloatVector.fromArray(F, b, at + 2 * LANES);
            FloatVector v3 = FloatVector.fromArray(F, b, at + 3 * LANES);
            FloatVector factor = FloatVector.broadcast(F, a[a0 + i]);
            s00 = v0.fma(factor, s00);
            s01 = v1.fma(factor, s01);
            s02 = v2.fma(factor, s02);
            s03 = v3.fma(factor, s03);
            factor = FloatVector.broadcast(F, a[a1 + i]);
            s10 = v0.fma(factor, s10);
            s11 = v1.fma(factor, s11);
            s12 = v2.fma(factor, s12);
            s13 = v3.fma(factor, s13);
            factor = FloatVector.broadcast(F, a[a2 + i]);
            s20 = v0.fma(factor, s20);
            s21 = v1.fma(factor, s21);
            s22 = v2.fma(factor, s22);
            s23 = v3.fma(factor, s23);
            factor = FloatVector.broadcast(F, a[a3 + i]);
            s30 = v0.fma(factor, s30);
            s31 = v1.fma(factor, s31);
            s32 = v2.fma(factor, s32);
            s33 = v3.fma(factor, s33);
        }
        s00.intoArray(c, c0);
        s01.intoArray(c, c0 + LANES);
        s02.intoArray(c, c0 + 2 * LANES);
        s03.intoArray(c, c0 + 3 * LANES);
        s10.intoArray(c, c1);
        s11.intoArray(c, c1 + LANES);
        s12.intoArray(c, c1 + 2 * LANES);
        s13.intoArray(c, c1 + 3 * LANES);
        s20.intoArray(c, c2);
        s21.intoArray(c, c2 + LANES);
        s22.intoArray(c, c2 + 2 * LANES);
        s23.intoArray(c, c2 + 3 * LANES);
        s30.intoArray(c, c3);
        s31.intoArray(c, c3 + LANES);
        s32.intoArray(c, c3 + 2 * LANES);
        s33.intoArray(c, c3 + 3 * LANES);
    }

    /** 4 rows × 2 vectors of {@link #multiplyAdd}. */
    private static void tile4x2(
            float[] a,
            int a0,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int c0,
            int cStride) {
        int a1 = a0 + aStride;
        int a2 = a1 + aStride;
        int a3 = a2 + aStride;
        int c1 = c0 + cStride;
        int c2 = c1 + cStride;
        int c3 = c2 + cStride;
        FloatVector s00 = FloatVector.fromArray(F, c, c0);
        FloatVector s01 = FloatVector.fromArray(F, c, c0 + LANES);
        FloatVector s10 = FloatVector.fromArray(F, c, c1);
        FloatVector s11 = FloatVector.fromArray(F, c, c1 + LANES);
        FloatVector s20 = FloatVector.fromArray(F, c, c2);
        FloatVector s21 = FloatVector.fromArray(F, c, c2 + LANES);
        FloatVector s30 = FloatVector.fromArray(F, c, c3);
        FloatVector s31 = FloatVector.fromArray(F, c, c3 + LANES);
        for (int i = 0; i < depth; i++) {
            int at = bOffset + i * bStride;
            FloatVector v0 = FloatVector.fromArray(F, b, at);
            FloatVector v1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector factor = FloatVector.broadcast(F, a[a0 + i]);
            s00 = v0.fma(factor, s00);
            s01 = v1.fma(factor, s01);
            factor = FloatVector.broadcast(F, a[a1 + i]);
            s10 = v0.fma(factor, s10);
            s11 = v1.fma(factor, s11);
            factor = FloatVector.broadcast(F, a[a2 + i]);
            s20 = v0.fma(factor, s20);
            s21 = v1.fma(factor, s21);
            factor = FloatVector.broadcast(F, a[a3 + i]);
            s30 = v0.fma(factor, s30);
            s31 = v1.fma(factor, s31);
        }
        s00.intoArray(c, c0);
        s01.intoArray(c, c0 + LANES);
        s10.intoArray(c, c1);
        s11.intoArray(c, c1 + LANES);
        s20.intoArray(c, c2);
        s21.intoArray(c, c2 + LANES);
        s30.intoArray(c, c3);
        s31.intoArray(c, c3 + LANES);
    }

    /** 2 rows × 4 vectors of {@link #multiplyAdd}. */
    private static void tile2x4(
            float[] a,
            int a0,
            int aStride,
            float[] b,
            int bOffset,
            int bStride,
            int depth,
            float[] c,
            int c0,
            int cStride) {
        int a1 = a0 + aStride;
        int c1 = c0 + cStride;
        FloatVector s00 = FloatVector.fromArray(F, c, c0);
        FloatVector s01 = FloatVector.fromArray(F, c, c0 + LANES);
        FloatVector s02 = FloatVector.fromArray(F, c, c0 + 2 * LANES);
        FloatVector s03 = FloatVector.fromArray(F, c, c0 + 3 * LANES);
        FloatVector s10 = FloatVector.fromArray(F, c, c1);
        FloatVector s11 = FloatVector.fromArray(F, c, c1 + LANES);
        FloatVector s12 = FloatVector.fromArray(F, c, c1 + 2 * LANES);
        FloatVector s13 = FloatVector.fromArray(F, c, c1 + 3 * LANES);
        for (int i = 0; i < depth; i++) {
            int at = bOffset + i * bStride;
            FloatVector v0 = FloatVector.fromArray(F, b, at);
            FloatVector v1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector v2 = FloatVector.fromArray(F, b, at + 2 * LANES);
            FloatVector v3 = FloatVector.fromArray(F, b, at + 3 * LANES);
            FloatVector factor = FloatVector.broadcast(F, a[a0 + i]);
            s00 = v0.fma(factor, s00);
            s01 = v1.fma(factor, s01);
            s02 = v2.fma(factor, s02);
            s03 = v3.fma(factor, s03);
            factor = FloatVector.broadcast(F, a[a1 + i]);
            s10 = v0.fma(factor, s10);
            s11 = v1.fma(factor, s11);
            s12 = v2.fma(factor, s12);
            s13 = v3.fma(factor, s13);
        }
        s00.intoArray(c, c0);
        s01.intoArray(c, c0 + LANES);
        s02.intoArray(c, c0 + 2 * LANES);
        s03.intoArray(c, c0 + 3 * LANES);
        s10.intoArray(c, c1);
        s11.intoArray(c, c1 + LANES);
        s12.intoArray(c, c1 + 2 * LANES);
        s13.intoArray(c, c1 + 3 * LANES);
    }

    /** 1 row × 4 vectors of {@link #multiplyAdd}. */
    private static void tile1x4(float[] a, int a0, float[] b, int bOffset, int bStride, int depth, float[] c, int c0) {
        FloatVector s00 = FloatVector.fromArray(F, c, c0);
        FloatVector s01 = FloatVector.fromArray(F, c, c0 + LANES);
        FloatVector s02 = FloatVector.fromArray(F, c, c0 + 2 * LANES);
        FloatVector s03 = FloatVector.fromArray(F, c, c0 + 3 * LANES);
        for (int i = 0; i < depth; i++) {
            int at = bOffset + i * bStride;
            FloatVector v0 = FloatVector.fromArray(F, b, at);
            FloatVector v1 = FloatVector.fromArray(F, b, at + LANES);
            FloatVector v2 = FloatVector.fromArray(F, b, at + 2 * LANES);
            FloatVector v3 = FloatVector.fromArray(F, b, at + 3 * LANES);
            FloatVector factor = FloatVector.broadcast(F, a[a0 + i]);
            s00 = v0.fma(factor, s00);
            s01 = v1.fma(factor, s01);
            s02 = v2.fma(factor, s02);
            s03 = v3.fma(factor, s03);
        }
        s00.intoArray(c, c0);
        s01.intoArray(c, c0 + LANES);
        s02.intoArray(c, c0 + 2 * LANES);
        s03.intoArray(c, c0 + 3 * LANES);
    }

    /** 1 row × 1 vector of {@link #multiplyAdd}. */
    private static void tile1x1(float[] a, int a0, float[] b, int bOffset, int bStride, int depth, float[] c, int c0) {
        FloatVector s00 = FloatVector.fromArray(F, c, c0);
        for (int i = 0; i < depth; i++) {
            int at = bOffset + i * bStride;
            FloatVector v0 = FloatVector.fromArray(F, b, at);
            FloatVector factor = FloatVector.broadcast(F, a[a0 + i]);
            s00 = v0.fma(factor, s00);
        }
        s00.intoArray(c, c0);
    }

    @Override
    public void scale(float s, float[] y, int yOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] *= s;
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] += x[xOffset + i];
        }
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] out, int outOffset, int n) {
        float scale = ScalarKernels.inverseRms(dot(x, xOffset, x, xOffset, n), n, eps);
        for (int i = 0; i < n; i++) {
            out[outOffset + i] = x[xOffset + i] * scale * weight[i];
        }
    }

    @Override
    public void swiglu(float[] gate, int gateOffset, float[] up, int upOffset, int n) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector g = FloatVector.fromArray(F, gate, gateOffset + i);
            // exp(-g), as in expAndSum; written out because a vector must not cross a method.
            FloatVector x = g.neg();
            VectorMask<Float> vanishes = x.compare(VectorOperators.LT, Exp.LOWEST);
            x = x.min(Exp.HIGHEST);
            FloatVector m = x.fma(FloatVector.broadcast(F, Exp.LOG2_E), FloatVector.broadcast(F, Exp.ROUND))
                    .sub(Exp.ROUND);
            FloatVector r = m.fma(FloatVector.broadcast(F, -Exp.LN2_HIGH), x);
            r = m.fma(FloatVector.broadcast(F, -Exp.LN2_LOW), r);
            FloatVector p = r.fma(FloatVector.broadcast(F, Exp.P0), FloatVector.broadcast(F, Exp.P1));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P2));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P3));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P4));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P5));
            p = p.fma(r.mul(r), r).add(1f);
            IntVector power = ((IntVector) m.convertShape(VectorOperators.F2I, I, 0))
                    .add(127)
                    .lanewise(VectorOperators.LSHL, 23);
            FloatVector e = p.mul(power.reinterpretAsFloats()).blend(0f, vanishes);
            g.div(e.add(1f)).mul(FloatVector.fromArray(F, up, upOffset + i)).intoArray(gate, gateOffset + i);
        }
        for (; i < n; i++) {
            float g = gate[gateOffset + i];
            gate[gateOffset + i] = g / (1 + Exp.exp(-g)) * up[upOffset + i];
        }
    }

    @Override
    public float expAndSum(float[] x, int offset, float max, int n) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, offset + i).sub(max);
            VectorMask<Float> vanishes = v.compare(VectorOperators.LT, Exp.LOWEST);
            v = v.min(Exp.HIGHEST);
            FloatVector m = v.fma(FloatVector.broadcast(F, Exp.LOG2_E), FloatVector.broadcast(F, Exp.ROUND))
                    .sub(Exp.ROUND);
            FloatVector r = m.fma(FloatVector.broadcast(F, -Exp.LN2_HIGH), v);
            r = m.fma(FloatVector.broadcast(F, -Exp.LN2_LOW), r);
            FloatVector p = r.fma(FloatVector.broadcast(F, Exp.P0), FloatVector.broadcast(F, Exp.P1));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P2));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P3));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P4));
            p = p.fma(r, FloatVector.broadcast(F, Exp.P5));
            p = p.fma(r.mul(r), r).add(1f);
            IntVector power = ((IntVector) m.convertShape(VectorOperators.F2I, I, 0))
                    .add(127)
                    .lanewise(VectorOperators.LSHL, 23);
            FloatVector e = p.mul(power.reinterpretAsFloats()).blend(0f, vanishes);
            e.intoArray(x, offset + i);
            sums = e.add(sums); // what a loop carries is no receiver; see VectorPanels
        }
        sums = FloatVector.zero(F).add(sums);
        sums = LANES > 8 ? sums.add(sums.rearrange(BY_8)) : sums;
        sums = LANES > 4 ? sums.add(sums.rearrange(BY_4)) : sums;
        sums = LANES > 2 ? sums.add(sums.rearrange(BY_2)) : sums;
        float sum = sums.add(sums.rearrange(BY_1)).lane(0);
        for (; i < n; i++) {
            x[offset + i] = Exp.exp(x[offset + i] - max);
            sum += x[offset + i];
        }
        return sum;
    }

    @Override
    public float max(float[] x, int offset, int n) {
        FloatVector greatest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            greatest = FloatVector.fromArray(F, x, offset + i).max(greatest);
        }
        float max =
                FloatVector.broadcast(F, Float.NEGATIVE_INFINITY).max(greatest).reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            max = Math.max(max, x[offset + i]);
        }
        return max;
    }

    @Override
    public void rotateHalves(float[] x, int xOffset, int pairs, float[] cos, float[] sin, int angles) {
        int i = 0;
        for (; i <= pairs - LANES; i += LANES) {
            FloatVector a = FloatVector.fromArray(F, x, xOffset + i);
            FloatVector b = FloatVector.fromArray(F, x, xOffset + pairs + i);
            FloatVector c = FloatVector.fromArray(F, cos, angles + i);
            FloatVector s = FloatVector.fromArray(F, sin, angles + i);
            a.mul(c).sub(b.mul(s)).intoArray(x, xOffset + i);
            a.mul(s).add(b.mul(c)).intoArray(x, xOffset + pairs + i);
        }
        for (; i < pairs; i++) {
            float a = x[xOffset + i];
            float b = x[xOffset + pairs + i];
            x[xOffset + i] = a * cos[angles + i] - b * sin[angles + i];
            x[xOffset + pairs + i] = a * sin[angles + i] + b * cos[angles + i];
        }
    }

    /** A plain loop: C2 turns it into the processor's own conversions, which the Vector API does not have. */
    @Override
    public void fromHalf(MemorySegment x, long xOffset, float[] out, int outOffset, int n) {
        DequantizeFloats.f16(x, xOffset, out, outOffset, n);
    }

    @Override
    public void scaleBytes(
            MemorySegment x, long xOffset, float[] scales, int scalesOffset, float[] out, int outOffset, int n) {
        int lanes = VectorDecoders.LANES;
        int i = 0;
        for (; i <= n - lanes; i += lanes) {
            IntVector q = (IntVector) (lanes == 4
                            ? IntVector.broadcast(VectorDecoders.PAIR, x.get(BlockDecoder.INT, xOffset + i))
                                    .reinterpretAsBytes()
                            : ByteVector.fromMemorySegment(VectorDecoders.B, x, xOffset + i, ByteOrder.LITTLE_ENDIAN))
                    .convertShape(VectorOperators.B2I, VectorDecoders.I, 0);
            ((FloatVector) q.convertShape(VectorOperators.I2F, VectorDecoders.F, 0))
                    .mul(FloatVector.fromArray(VectorDecoders.F, scales, scalesOffset + i))
                    .intoArray(out, outOffset + i);
        }
        for (; i < n; i++) {
            out[outOffset + i] = x.get(ValueLayout.JAVA_BYTE, xOffset + i) * scales[scalesOffset + i];
        }
    }
}
