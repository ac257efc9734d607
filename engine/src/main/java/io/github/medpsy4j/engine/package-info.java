/** The library: models, sessions, chat, sampling, kernels. */
package io.github.medpsy4j.engine;
