/** The arithmetic on weights: decoding of the quantized types and products of matrices, scalar and vector. */
package io.github.medpsy4j.engine.kernel;
