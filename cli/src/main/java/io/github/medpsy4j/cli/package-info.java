/** The command line. */
package io.github.medpsy4j.cli;
