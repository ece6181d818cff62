// What an operation does besides waiting: when its wait was interrupted by a cancel, and when its actor's turn is over.
#pragma once

namespace weir::internal {

// Throws weir::cancelled, unless an exception is in flight in the calling actor, or it is in weir::shielded and the
// grace is over: then it returns, and the caller acts as if its peer were gone. `verb` names the operation. Only an
// actor's wait can be interrupted.
void meet_cancel(const char* verb);

// For an operation that found its source closed, or its peer cancelled: in a cancelled scope that is the cancel's
// doing, so it counts as one. Asks the scopes and not only the caller's cancel bit, because a cancel reaches the actors
// of a scope one by one, and a producer that met it first may have closed the channel before the consumer's bit is set.
void closed_or_cancelled(const char* verb);

// The calling actor goes to the end of its worker's queue. No cancellation point. Nothing on a plain thread.
void give_way() noexcept;
// For an operation that may end without a park: every 128th on a worker gives way, as an actor that never has to wait
// would keep the worker for ever. In worker.cc.
void spend_operation() noexcept;

}  // namespace weir::internal
