package io.github.medpsy4j.gguf;

/**
 * The types of metadata values, with the names and numbers of the GGUF specification
 * ({@code gguf_metadata_value_type}).
 */
public enum ValueType {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 0),
    ARRAY(9, 0),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    /** The numbers are 0 to 12, in the order above. */
    private static final ValueType[] BY_ID = values();

    private final int id;
    private final int byteSize;

    ValueType(int id, int byteSize) {
        this.id = id;
        this.byteSize = byteSize;
    }

    /** The number that stands for this type in a file. */
    public int id() {
        return id;
    }

    /** True for the eight types of whole numbers; BOOL is none of them. */
    public boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> false;
        };
    }

    /** True for FLOAT32 and FLOAT64. */
    public boolean isFloat() {
        return this == FLOAT32 || this == FLOAT64;
    }

    /** Bytes of one value; 0 for STRING and ARRAY, whose length stands before each value. */
    int byteSize() {
        return byteSize;
    }

    /** The fewest bytes one value can take: a string's length is 8 bytes, an array's type and length are 12. */
    int byteSizeMin() {
        return this == STRING ? 8 : this == ARRAY ? 12 : byteSize;
    }

    /** The type of this number, or null where the specification has none. */
    static ValueType ofId(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }
}
