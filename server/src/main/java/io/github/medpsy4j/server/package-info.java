/** A server for a model, over HTTP: {@link io.github.medpsy4j.server.Server}. */
package io.github.medpsy4j.server;
