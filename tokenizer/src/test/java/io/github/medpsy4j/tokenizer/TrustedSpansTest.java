package io.github.medpsy4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TrustedSpansTest {
    @Test
    void joinsSpansThatTouchOrOverlap() {
        TrustedSpans spans = TrustedSpans.builder()
                .add(0, 3)
                .add(3, 5)
                .add(4, 4)
                .add(7, 9)
                .add(8, 10)
                .build();
        assertEquals("TrustedSpans[0, 5, 7, 10]", spans.toString());
        assertEquals(2, spans.count());
        int[] ends = {5, 5, 5, 5, 5, -1, -1, 10, 10, 10, -1, -1};
        for (int i = 0; i < ends.length; i++) {
            assertEquals(ends[i], spans.endOfSpanAt(i));
        }
    }

    @Test
    void refusesWhatIsNoSpan() {
        TrustedSpans.Builder builder = TrustedSpans.builder().add(5, 6);
        assertEquals(
                "not a span: [-1, 2)",
                assertThrows(IllegalArgumentException.class, () -> builder.add(-1, 2))
                        .getMessage());
        assertEquals(
                "not a span: [3, 2)",
                assertThrows(IllegalArgumentException.class, () -> builder.add(3, 2))
                        .getMessage());
        assertEquals(
                "spans must ascend: [4, 9) after one that starts at 5",
                assertThrows(IllegalArgumentException.class, () -> builder.add(4, 9))
                        .getMessage());
    }
}
