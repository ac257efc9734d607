package io.github.medpsy4j.engine;

import io.github.medpsy4j.gguf.GgufFile;
import io.github.medpsy4j.gguf.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Tells one model's file from another's without reading gigabytes: SHA-256 of the file's size, its metadata, each
 * tensor's name, type, shape and place, and some bytes of every tensor. A model
 * trained further differs in nearly every weight, so a few hundred bytes of each tensor tell it.
 */
final class ModelIdentity {
    private static final int SAMPLES_PER_TENSOR = 4;
    private static final int SAMPLE_BYTES = 256;

    private ModelIdentity() {}

    /** 64 hexadecimal digits. */
    static String of(GgufFile file) {
        MessageDigest digest = sha256();
        number(digest, file.byteSize());
        file.metadata().digest(digest);
        for (TensorInfo tensor : file.tensors()) {
            digest.update(tensor.toString().getBytes(StandardCharsets.UTF_8));
            byte[] sample = new byte[(int) Math.min(SAMPLE_BYTES, tensor.byteSize())];
            long last = tensor.byteSize() - sample.length;
            for (int i = 0; i < SAMPLES_PER_TENSOR; i++) {
                file.read(tensor, last * i / (SAMPLES_PER_TENSOR - 1), sample);
                digest.update(sample);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void number(MessageDigest digest, long value) {
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, value));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
