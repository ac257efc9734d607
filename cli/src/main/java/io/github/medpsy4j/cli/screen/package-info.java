/** What a model writes, as a person reads it on a terminal: Markdown, wrapped at words, unable to drive the terminal. */
package io.github.medpsy4j.cli.screen;
