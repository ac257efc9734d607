package io.github.medpsy4j.cli;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Strict decoding: a wrong byte is an error with its place, never a replacement that goes unnoticed. */
final class Utf8 {
    private Utf8() {}

    /** The text of bytes; a failure names the source and the offset of the first byte that is not UTF-8. */
    static String decode(String source, byte[] bytes) throws Failure {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
        if (result.isError()) {
            throw new Failure(source + ": offset " + in.position() + ": not UTF-8; expected text in UTF-8, got byte 0x"
                    + String.format("%02x", bytes[in.position()] & 0xff));
        }
        return out.flip().toString();
    }
}
