package io.github.medpsy4j.engine.kernel;

import io.github.medpsy4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Causal grouped-query attention over the KV cache: out = softmax(q·K / √headDim)·V, by running softmax over spans of
 * {@link #SPAN} positions. Spans start at multiples of SPAN in every sequence, so a token's result does not depend on
 * the batch it came in.
 *
 * <p>An item of work is one KV head and up to {@link #TILE_TOKENS} tokens of one sequence: each span of keys and values
 * is widened to floats once for all of the item's queries.
 */
public final class Attention implements WorkerPool.Task {
    /** Positions whose keys and values are widened at a time: 64 × 128 floats fill an L1 cache of 32 KiB. */
    private static final int SPAN = 64;

    private static final int TILE_TOKENS = 16;

    /** One worker's memory. Queries are numbered token × group + head within the group. */
    private final class Workspace {
        final float[] tile = new float[SPAN * headDim];
        final float[] queries = new float[TILE_TOKENS * group * headDim];
        final float[] scores = new float[TILE_TOKENS * group * SPAN];
        final float[] partials = new float[8 * kernels.lanes()];
        final float[] max = new float[TILE_TOKENS * group];
        final float[] sum = new float[TILE_TOKENS * group];
    }

    private final Kernels kernels;
    private final WorkerPool pool;
    private final WeightDecoder halves;
    private final int kvHeads;
    private final int group;
    private final int headDim;
    private final float scale;
    private final Workspace[] workspaces;

    // The tiles of the current batch: runs of rows of one sequence.
    private final int[] tileRow;
    private final int[] tileTokens;
    private int tiles;
    private KvCache[] caches;
    private int[] positions;
    private Activations q;
    private Activations out;
    private int layer;

    /**
     * @param heads query heads, a multiple of {@code kvHeads}
     * @param headDim a multiple of the kernels' lanes
     * @param batchMax the most rows that one batch has
     */
    public Attention(Kernels kernels, WorkerPool pool, int heads, int kvHeads, int headDim, float scale, int batchMax) {
        this.kernels = kernels;
        this.pool = pool;
        this.halves = kernels.decoder(GgmlType.F16);
        this.kvHeads = kvHeads;
        this.group = heads / kvHeads;
        this.headDim = headDim;
        this.scale = scale;
        this.workspaces = new Workspace[pool.threads()];
        Arrays.setAll(workspaces, i -> new Workspace());
        tileRow = new int[batchMax];
        tileTokens = new int[batchMax];
    }

    /** Names the batch that the following {@link #attend} calls work on: row t is at positions[t] of caches[t]. */
    public void begin(KvCache[] caches, int[] positions, int n) {
        this.caches = caches;
        this.positions = positions;
        tiles = 0;
        for (int t = 0; t < n; ) {
            int count = 1;
            while (count < TILE_TOKENS && t + count < n && caches[t + count] == caches[t]) {
                count++;
            }
            tileRow[tiles] = t;
            tileTokens[tiles] = count;
            tiles++;
            t += count;
        }
    }

    /**
     * q, out: [t][heads × headDim]; the keys and values of each row's own position must be in its cache already.
     */
    public void attend(int layer, Activations q, Activations out) {
        this.layer = layer;
        this.q = q;
        this.out = out;
        pool.run(kvHeads * tiles, 1, this);
    }

    @Override
    public void run(int begin, int end, int worker) {
        for (int item = begin; item < end; item++) {
            // The last tile has the longest past: first, so that no worker is left with it at the end.
            int tile = tiles - 1 - item / kvHeads;
            attendTile(item % kvHeads, tileRow[tile], tileTokens[tile], workspaces[worker]);
        }
    }

    private void attendTile(int kvHead, int row, int tokens, Workspace s) {
        int queries = tokens * group;
        KvCache cache = caches[row];
        int last = 0;
        for (int t = 0; t < tokens; t++) {
            last = Math.max(last, positions[row + t]);
            for (int g = 0; g < group; g++) {
                int from = q.row(row + t) + (kvHead * group + g) * headDim;
                int to = (t * group + g) * headDim;
                for (int d = 0; d < headDim; d++) {
                    s.queries[to + d] = q.data[from + d] * scale;
                }
                int outAt = out.row(row + t) + (kvHead * group + g) * headDim;
                Arrays.fill(out.data, outAt, outAt + headDim, 0f);
            }
        }
        Arrays.fill(s.max, 0, queries, Float.NEGATIVE_INFINITY);
        Arrays.fill(s.sum, 0, queries, 0f);
        for (int start = 0; start <= last; start += SPAN) {
            int span = Math.min(SPAN, last + 1 - start);
            MemorySegment block = cache.block(start);
            long keys = cache.keyOffset(layer, kvHead, start);
            halves.decode(block, keys, s.tile, 0, span * headDim);
            int padded = (span + 3) & ~3;
            Arrays.fill(s.tile, span * headDim, padded * headDim, 0f);
            scores(queries, padded, s);
            for (int t = 0; t < tokens; t++) {
                int seen = Math.min(span, positions[row + t] + 1 - start);
                for (int g = 0; g < group && seen > 0; g++) {
                    weigh(t * group + g, seen, out.row(row + t) + (kvHead * group + g) * headDim, s);
                }
            }
            halves.decode(block, keys + cache.valueOffset(), s.tile, 0, span * headDim);
            for (int t = 0; t < tokens; t++) {
                int seen = Math.min(span, positions[row + t] + 1 - start);
                for (int g = 0; g < group && seen > 0; g++) {
                    int query = t * group + g;
                    int to = out.row(row + t) + (kvHead * group + g) * headDim;
                    kernels.addWeighted(s.scores, query * SPAN, seen, s.tile, 0, headDim, out.data, to, headDim);
                }
            }
        }
        for (int t = 0; t < tokens; t++) {
            for (int g = 0; g < group; g++) {
                int to = out.row(row + t) + (kvHead * group + g) * headDim;
                kernels.scale(1 / s.sum[t * group + g], out.data, to, headDim);
            }
        }
    }

    /** scores[query][p] = q·k over the span's keys in the tile. */
    private void scores(int queries, int span, Workspace s) {
        int lanes = kernels.lanes();
        int query = 0;
        for (; query <= queries - 4; query += 4) {
            for (int p = 0; p < span; p += 2) {
                Arrays.fill(s.partials, 0f);
                kernels.dot2x4(
                        s.tile,
                        p * headDim,
                        headDim,
                        s.queries,
                        query * headDim,
                        headDim,
                        headDim,
                        s.partials,
                        0,
                        2 * lanes);
                for (int i = 0; i < 4; i++) {
                    int to = (query + i) * SPAN + p;
                    s.scores[to] = kernels.reduce(s.partials, 2 * i * lanes);
                    s.scores[to + 1] = kernels.reduce(s.partials, (2 * i + 1) * lanes);
                }
            }
        }
        for (; query < queries; query++) {
            for (int p = 0; p < span; p += 4) {
                Arrays.fill(s.partials, 0, 4 * lanes, 0f);
                kernels.dot4x1(s.tile, p * headDim, headDim, s.queries, query * headDim, headDim, s.partials, 0);
                for (int i = 0; i < 4; i++) {
                    s.scores[query * SPAN + p + i] = kernels.reduce(s.partials, i * lanes);
                }
            }
        }
    }

    /** Turns the scores of one query over a span into weights; what was added before shrinks when the maximum rises. */
    private void weigh(int query, int seen, int outAt, Workspace s) {
        int at = query * SPAN;
        float max = Math.max(s.max[query], kernels.max(s.scores, at, seen));
        if (max > s.max[query]) {
            float shrink = Exp.exp(s.max[query] - max);
            s.sum[query] *= shrink;
            kernels.scale(shrink, out.data, outAt, headDim);
            s.max[query] = max;
        }
        s.sum[query] += kernels.expAndSum(s.scores, at, max, seen);
    }
}
