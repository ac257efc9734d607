package io.github.medpsy4j.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Causal grouped-query attention over the KV cache: out = softmax(q·K / √headDim)·V. The positions of a sequence are cut
 * at multiples of {@link #BLOCK}, whoever computes: each block gives a query its greatest score, the sum of the weights
 * and the weighted sum of values, all in order of positions, and blocks are merged in order. So a token's result depends
 * neither on the batch it came in nor on how work is divided.
 *
 * <p>Within a block, keys and values are decoded to floats a tile at a time, once for all queries of the item of work: up
 * to {@link #TILE_TOKENS} tokens of one sequence times the query heads that share a KV head. Both products, scores =
 * queries × keys and out = weights × values, are {@link Kernels#multiplyAdd}. An item is one KV head of one tile of
 * tokens, over all blocks; where that makes too few items, over one block.
 */
public final class Attention {
    private static final int BLOCK = KvCache.BLOCK_POSITIONS;
    private static final int SPAN = KvCache.SPAN;
    private static final int TILE_TOKENS = 16;

    /** Floats that are decoded at a time: 16 KiB, beside which L1 has room for what they are multiplied with. */
    private static final int TILE_FLOATS = 4096;

    /** Items per thread below which work is cut by blocks too. */
    private static final int ITEMS_PER_THREAD = 8;

    /** Floats that the results of single blocks may take; beyond, items stay whole. */
    private static final int PARTIAL_FLOATS_MAX = 1 << 22;

    /** Floats that one thread has merged sooner than others could be told of them. */
    private static final int MERGED_ALONE_FLOATS = 1 << 16;

    /** Results of blocks, of one query each: weighted sums of values [query][headDim] and what belongs to them. */
    private final class Partials {
        final float[] out;
        final float[] max;
        final float[] sum;

        Partials(int queries) {
            out = new float[queries * headDim];
            max = new float[queries];
            sum = new float[queries];
        }
    }

    /** One worker's memory. Queries are numbered token × group + head within the group. */
    private final class Workspace {
        final float[] queries = new float[queriesMax * headDim];
        final float[] scores = new float[queriesMax * BLOCK];
        final float[] tile = new float[Math.max(TILE_FLOATS, Math.max(SPAN, headDim))];
        final float[] scales = new float[Math.max(SPAN, headDim)];
        final Partials partials = new Partials(queriesMax);
        final float[] max = new float[queriesMax];
        final float[] sum = new float[queriesMax];
    }

    private final Kernels kernels;
    private final WorkerPool pool;
    private final int kvHeads;
    private final int group;
    private final int headDim;
    private final float scale;
    private final int queriesMax;
    private final int keyRows;
    private final int valueRows;
    private final Workspace[] workspaces;
    private final WorkerPool.Task storeItems = this::storeItems;
    private final WorkerPool.Task wholeItems = this::wholeItems;
    private final WorkerPool.Task blockItems = this::blockItems;
    private final WorkerPool.Task mergeItems = this::mergeItems;

    // The tiles of the current batch: runs of rows of one sequence.
    private final int[] tileRow;
    private final int[] tileTokens;
    private int tiles;
    private int tileQueriesMax;
    private KvCache[] caches;
    private int[] positions;

    // What the tasks work on.
    private int layer;
    private Activations q;
    private Activations k;
    private Activations v;
    private Activations out;

    /** Where work is cut by blocks: how many blocks the longest past has, and the results of all of them. */
    private int blocksMax;

    private Partials partials;

    /**
     * @param heads query heads, a multiple of {@code kvHeads}
     * @param batchMax the most rows that one batch has
     */
    public Attention(Kernels kernels, WorkerPool pool, int heads, int kvHeads, int headDim, float scale, int batchMax) {
        this.kernels = kernels;
        this.pool = pool;
        this.kvHeads = kvHeads;
        this.group = heads / kvHeads;
        this.headDim = headDim;
        this.scale = scale;
        queriesMax = TILE_TOKENS * group;
        keyRows = TILE_FLOATS / SPAN;
        valueRows = Math.clamp(Integer.highestOneBit(TILE_FLOATS / Math.min(headDim, TILE_FLOATS)), 1, SPAN);
        workspaces = new Workspace[pool.threads()];
        Arrays.setAll(workspaces, i -> new Workspace());
        partials = new Partials(0);
        tileRow = new int[batchMax];
        tileTokens = new int[batchMax];
    }

    /**
     * Names the batch that the following calls work on: row t is at positions[t] of caches[t]; rows of one sequence stand
     * together, in order of position.
     */
    public void begin(KvCache[] caches, int[] positions, int n) {
        this.caches = caches;
        this.positions = positions;
        tiles = 0;
        tileQueriesMax = 0;
        blocksMax = 0;
        for (int t = 0; t < n; ) {
            int count = 1;
            while (count < TILE_TOKENS && t + count < n && caches[t + count] == caches[t]) {
                count++;
            }
            tileRow[tiles] = t;
            tileTokens[tiles] = count;
            blocksMax = Math.max(blocksMax, blocks(tiles));
            tileQueriesMax = Math.max(tileQueriesMax, count * group);
            tiles++;
            t += count;
        }
    }

    private int blocks(int tile) {
        return positions[tileRow[tile] + tileTokens[tile] - 1] / BLOCK + 1;
    }

    /** Stores the batch's keys and values: k, v: [t][kvHeads × headDim]. */
    public void store(int layer, Activations k, Activations v) {
        this.layer = layer;
        this.k = k;
        this.v = v;
        // One token's keys are stored sooner than another thread could be told of them.
        int items = kvHeads * tiles;
        pool.run(items, tiles == 1 && tileTokens[0] == 1 ? items : 1, storeItems);
    }

    /**
     * q, out: [t][heads × headDim]; the keys and values of each row's own position must be in its cache already.
     */
    public void attend(int layer, Activations q, Activations out) {
        this.layer = layer;
        this.q = q;
        this.out = out;
        int items = kvHeads * tiles;
        long queries = (long) items * blocksMax * tileQueriesMax;
        if (blocksMax > 1
                && items < ITEMS_PER_THREAD * pool.threads()
                && pool.threads() > 1
                && queries * headDim <= PARTIAL_FLOATS_MAX) {
            if (partials.max.length < queries) {
                // Doubled, as a context grows by a block at a time.
                partials = new Partials((int) Math.min(2 * queries, PARTIAL_FLOATS_MAX / headDim));
            }
            pool.run(items * blocksMax, 1, blockItems);
            pool.run(items, queries * headDim < MERGED_ALONE_FLOATS ? items : 1, mergeItems);
        } else {
            pool.run(items, 1, wholeItems);
        }
    }

    private void storeItems(int begin, int end, int worker) {
        for (int item = begin; item < end; item++) {
            int kvHead = item % kvHeads;
            int first = tileRow[item / kvHeads];
            for (int t = first; t < first + tileTokens[item / kvHeads]; t++) {
                int at = kvHead * headDim;
                caches[t].store(layer, kvHead, positions[t], k.data, k.row(t) + at, v.data, v.row(t) + at);
            }
        }
    }

    private void wholeItems(int begin, int end, int worker) {
        Workspace s = workspaces[worker];
        for (int item = begin; item < end; item++) {
            // The last tile has the longest past: first, so that no worker is left with it at the end.
            int tile = tiles - 1 - item / kvHeads;
            int kvHead = item % kvHeads;
            loadQueries(tile, kvHead, s);
            for (int block = 0; block < blocks(tile); block++) {
                attendBlock(tile, kvHead, block, s.partials, 0, s);
                merge(tile, kvHead, block, s.partials, 0, s);
            }
            finish(tile, kvHead, s);
        }
    }

    private void blockItems(int begin, int end, int worker) {
        Workspace s = workspaces[worker];
        for (int item = begin; item < end; item++) {
            int block = item % blocksMax;
            int tile = item / blocksMax / kvHeads;
            int kvHead = item / blocksMax % kvHeads;
            if (block < blocks(tile)) {
                loadQueries(tile, kvHead, s);
                attendBlock(tile, kvHead, block, partials, item * tileQueriesMax, s);
            }
        }
    }

    private void mergeItems(int begin, int end, int worker) {
        Workspace s = workspaces[worker];
        for (int item = begin; item < end; item++) {
            int tile = item / kvHeads;
            int kvHead = item % kvHeads;
            for (int block = 0; block < blocks(tile); block++) {
                merge(tile, kvHead, block, partials, (item * blocksMax + block) * tileQueriesMax, s);
            }
            finish(tile, kvHead, s);
        }
    }

    private void loadQueries(int tile, int kvHead, Workspace s) {
        int width = group * headDim;
        for (int t = 0; t < tileTokens[tile]; t++) {
            int from = q.row(tileRow[tile] + t) + kvHead * width;
            for (int i = 0; i < width; i++) {
                s.queries[t * width + i] = q.data[from + i] * scale;
            }
        }
    }

    /** The first of the tile's tokens that see something of a block. */
    private int firstToken(int tile, int block) {
        int t = 0;
        while (positions[tileRow[tile] + t] < block * BLOCK) {
            t++;
        }
        return t;
    }

    /** The results of one block for all queries that see something of it: query i's at {@code at + i} of {@code to}. */
    private void attendBlock(int tile, int kvHead, int block, Partials to, int at, Workspace s) {
        int row = tileRow[tile];
        int tokens = tileTokens[tile];
        int start = block * BLOCK;
        int first = firstToken(tile, block);
        int last = Math.min(BLOCK, positions[row + tokens - 1] + 1 - start);
        KvCache cache = caches[row];
        MemorySegment memory = cache.block(start);
        int queries = (tokens - first) * group;
        Arrays.fill(s.scores, first * group * BLOCK, tokens * group * BLOCK, 0f);
        for (int p = 0; p < last; p += SPAN) {
            long keys = cache.keySpan(layer, kvHead, start + p);
            int scores = first * group * BLOCK + p;
            for (int d = 0; d < headDim; d += keyRows) {
                int depth = Math.min(keyRows, headDim - d);
                cache.format.keys(kernels, memory, keys, headDim, d, depth, s.tile, s.scales);
                // Beyond what a query sees these are scores of nothing: nobody reads them.
                kernels.multiplyAdd(
                        queries,
                        s.queries,
                        first * group * headDim + d,
                        headDim,
                        s.tile,
                        0,
                        SPAN,
                        depth,
                        s.scores,
                        scores,
                        BLOCK,
                        SPAN);
            }
        }
        for (int t = first; t < tokens; t++) {
            int seen = Math.min(BLOCK, positions[row + t] + 1 - start);
            for (int i = t * group; i < (t + 1) * group; i++) {
                to.max[at + i] = kernels.max(s.scores, i * BLOCK, seen);
                to.sum[at + i] = kernels.expAndSum(s.scores, i * BLOCK, to.max[at + i], seen);
            }
        }
        Arrays.fill(to.out, (at + first * group) * headDim, (at + tokens * group) * headDim, 0f);
        for (int p = 0; p < last; p += valueRows) {
            int count = Math.min(valueRows, last - p);
            long values = cache.keySpan(layer, kvHead, start + p) + cache.valueOffset();
            cache.format.values(kernels, memory, values, headDim, p % SPAN, count, s.tile, s.scales);
            addValues(row, first, tokens, start + p, count, to.out, at, s);
        }
    }

    /** Adds the values of positions [start, start + count), which are in the tile, for tokens first..tokens. */
    private void addValues(int row, int first, int tokens, int start, int count, float[] out, int at, Workspace s) {
        int p = start % BLOCK;
        for (int t = first; t < tokens; ) {
            // Those of one token, until one sees all of them: then so do all behind it.
            int seen = Math.min(count, positions[row + t] + 1 - start);
            int together = seen == count ? tokens - t : 1;
            if (seen > 0) {
                kernels.multiplyAdd(
                        together * group,
                        s.scores,
                        t * group * BLOCK + p,
                        BLOCK,
                        s.tile,
                        0,
                        headDim,
                        seen,
                        out,
                        (at + t * group) * headDim,
                        headDim,
                        headDim);
            }
            t += together;
        }
    }

    /** Adds the results of a block to those of the blocks before it, which stand in {@link #out}. */
    private void merge(int tile, int kvHead, int block, Partials from, int at, Workspace s) {
        for (int t = firstToken(tile, block); t < tileTokens[tile]; t++) {
            int to = out.row(tileRow[tile] + t) + kvHead * group * headDim;
            for (int i = t * group; i < (t + 1) * group; i++, to += headDim) {
                int part = (at + i) * headDim;
                if (block == 0) {
                    s.max[i] = from.max[at + i];
                    s.sum[i] = from.sum[at + i];
                    System.arraycopy(from.out, part, out.data, to, headDim);
                    continue;
                }
                float max = Math.max(s.max[i], from.max[at + i]);
                float before = Exp.exp(s.max[i] - max);
                float now = Exp.exp(from.max[at + i] - max);
                s.max[i] = max;
                s.sum[i] = s.sum[i] * before + from.sum[at + i] * now;
                mix(before, out.data, to, now, from.out, part, headDim);
            }
        }
    }

    /** y = a·y + b·x */
    private static void mix(float a, float[] y, int yOffset, float b, float[] x, int xOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] = a * y[yOffset + i] + b * x[xOffset + i];
        }
    }

    private void finish(int tile, int kvHead, Workspace s) {
        for (int t = 0; t < tileTokens[tile]; t++) {
            int to = out.row(tileRow[tile] + t) + kvHead * group * headDim;
            for (int g = 0; g < group; g++) {
                kernels.scale(1 / s.sum[t * group + g], out.data, to + g * headDim, headDim);
            }
        }
    }
}
