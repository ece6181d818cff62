// What an exploration watches: atomic<T> in the place of std::atomic<T>, plain<T> for data that is not atomic.
//
// Outside a run both are plain variables.
//
// Thread-safety: as explorer.h.
//
// Invariants:
//  1. Every operation on an atomic is one scheduling point, before it takes effect; construction and destruction are
//  none.
//  2. Values are sequentially consistent. The memory orders only decide what becomes ordered before what (vector
//  clocks).
//  3. Clocks belong to one run: a cell that carries another run's number starts afresh.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "tests/explorer/clock.h"
#include "tests/explorer/explorer.h"

namespace explorer {
namespace detail {

// The engine's part of an atomic.
struct cell {
  vector_clock released;  // what an acquire of the current value learns: the head of its release sequence
  vector_clock used;      // the last use by each thread
  std::uint64_t run = 0;
};

enum class shape : std::uint8_t { number, negative, boolean, pointer };  // how to print a value

struct access {
  const char* operation;
  std::memory_order order;
  bool reads;
  bool writes;
  std::uint64_t before;
  std::uint64_t after;
  shape kind;
};

// Lets the scheduler decide who goes on; returns when the caller may do `operation`.
void point(cell& c, const char* operation, bool writes) noexcept;
void took_effect(cell& c, const access& a) noexcept;
void destroyed(cell& c) noexcept;

// The engine's part of a plain object.
struct record {
  const char* name;
  vector_clock reads;   // the last read by each thread
  vector_clock writes;  // the last write, alone
  std::uint64_t run = 0;
};
enum class use : std::uint8_t { construct, read, write, destroy };
void touch(record& r, use what) noexcept;

template <class T>
constexpr shape shape_of() {
  if constexpr (std::is_pointer_v<T>)
    return shape::pointer;
  else if constexpr (std::is_same_v<T, bool>)
    return shape::boolean;
  else if constexpr (std::is_signed_v<T>)
    return shape::negative;
  else
    return shape::number;
}
template <class T>
std::uint64_t bits(T value) {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<std::uintptr_t>(value);
  else
    return static_cast<std::uint64_t>(value);
}

constexpr std::memory_order without_release(std::memory_order o) {
  return o == std::memory_order_acq_rel   ? std::memory_order_acquire
         : o == std::memory_order_release ? std::memory_order_relaxed
                                          : o;
}

}  // namespace detail

// The part of std::atomic that weir uses. compare_exchange_weak does not fail spuriously.
template <class T>
class atomic {
  static_assert(std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>);
  static constexpr bool counts = std::is_integral_v<T> && !std::is_same_v<T, bool>;
  using order = std::memory_order;
  static constexpr order seq_cst = std::memory_order_seq_cst;

 public:
  using value_type = T;

  constexpr atomic() noexcept : value_() {}
  constexpr atomic(T value) noexcept : value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;
  constexpr ~atomic() {
    if (!std::is_constant_evaluated()) detail::destroyed(cell_);
  }

  T load(order o = seq_cst) const noexcept {
    detail::point(cell_, "load", false);
    done("load", o, true, false, value_, value_);
    return value_;
  }
  void store(T value, order o = seq_cst) noexcept {
    detail::point(cell_, "store", true);
    done("store", o, false, true, std::exchange(value_, value), value);
  }
  T exchange(T value, order o = seq_cst) noexcept {
    return update("exchange", o, [&](T) { return value; });
  }

  bool compare_exchange_strong(T& expected, T desired, order success, order failure) noexcept {
    detail::point(cell_, "compare_exchange", true);
    const T old = value_;
    const bool equal = old == expected;
    if (equal) value_ = desired;
    done("compare_exchange", equal ? success : failure, true, equal, old, value_);
    expected = old;
    return equal;
  }
  bool compare_exchange_strong(T& expected, T desired, order o = seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, o, detail::without_release(o));
  }
  bool compare_exchange_weak(T& expected, T desired, order success, order failure) noexcept {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired, order o = seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, o);
  }

  // In unsigned arithmetic, because atomics wrap.
  T fetch_add(T x, order o = seq_cst) noexcept requires counts {
    return update("fetch_add", o, [&](T old) { return static_cast<T>(detail::bits(old) + detail::bits(x)); });
  }
  T fetch_sub(T x, order o = seq_cst) noexcept requires counts {
    return update("fetch_sub", o, [&](T old) { return static_cast<T>(detail::bits(old) - detail::bits(x)); });
  }
  T fetch_or(T x, order o = seq_cst) noexcept requires counts {
    return update("fetch_or", o, [&](T old) { return static_cast<T>(old | x); });
  }
  T fetch_and(T x, order o = seq_cst) noexcept requires counts {
    return update("fetch_and", o, [&](T old) { return static_cast<T>(old & x); });
  }

 private:
  template <class F>
  T update(const char* operation, order o, F next) noexcept {
    detail::point(cell_, operation, true);
    const T old = std::exchange(value_, next(value_));
    done(operation, o, true, true, old, value_);
    return old;
  }
  void done(const char* operation, order o, bool reads, bool writes, T before, T after) const noexcept {
    detail::took_effect(
        cell_, {operation, o, reads, writes, detail::bits(before), detail::bits(after), detail::shape_of<T>()});
  }

  // First, so that it has the address that explorer::name() and atomic pointers know.
  mutable detail::cell cell_;
  T value_;
};

// Data that is not atomic. Two accesses that nothing orders, one of them a write, fail the run as "data race on
// <name>". Copies and moves are accesses, so that it can be the payload of what is tested; moving from it and
// destroying it write.
template <class T>
class plain {
 public:
  plain() : plain(T()) {}
  plain(T value, const char* name = "plain data") : value_(std::move(value)), record_{name, {}, {}} {
    detail::touch(record_, detail::use::construct);
  }
  plain(const plain& other) : plain(other.read(), other.record_.name) {}
  plain(plain&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : plain(other.take(), other.record_.name) {}
  plain& operator=(const plain& other) {
    set(other.read());
    return *this;
  }
  plain& operator=(plain&& other) noexcept(std::is_nothrow_move_assignable_v<T>) {
    set(other.take());
    return *this;
  }
  ~plain() { detail::touch(record_, detail::use::destroy); }

  T get() const { return read(); }
  operator T() const { return read(); }
  void set(T value) {
    detail::touch(record_, detail::use::write);
    value_ = std::move(value);
  }
  plain& operator=(T value) {
    set(std::move(value));
    return *this;
  }
  // Moves the value out; a write.
  T take() {
    detail::touch(record_, detail::use::write);
    return std::move(value_);
  }

 private:
  const T& read() const {
    detail::touch(record_, detail::use::read);
    return value_;
  }

  T value_;
  mutable detail::record record_;
};

}  // namespace explorer
