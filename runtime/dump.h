// weir::dump_actors: who lives, and what each waits for.
//
// The same table comes on SIGQUIT, on stderr, from any program that has a runtime.
#pragma once

namespace weir {

// Writes a table of all actors of all runtimes of the process to the descriptor: id, name, state, what it waits for
// (a channel with depth and capacity, a timer, another actor), for how long, how much of its stack was ever used, and
// where it was spawned. From any thread, also while actors run; each row is true at its own moment. Not from a signal
// handler.
void dump_actors(int fd);

}  // namespace weir
