#include "tests/explorer/explorer.h"

#include <cxxabi.h>
#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

#include "tests/explorer/atomic.h"

#if defined(__SANITIZE_ADDRESS__)
#define EXPLORER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define EXPLORER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXPLORER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define EXPLORER_TSAN 1
#endif
#endif
#ifdef EXPLORER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef EXPLORER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace explorer {
namespace {

// A stack that can be switched to. It uses Boost.Context itself and not the runtime's switch: the explorer must not
// stand on what it explores.
class context {
 public:
  // The side of explore()'s caller.
  context() {
#ifdef EXPLORER_TSAN
    fiber_ = __tsan_get_current_fiber();
#endif
  }

  // A context that calls `entry` over and over; never freed.
  static context& make(void (*entry)()) {
    void* const memory =
        ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || ::mprotect(memory, page, PROT_NONE) != 0) throw std::bad_alloc();
    context* const made = new context;
    made->bottom_ = static_cast<char*>(memory) + page;
    made->size_ = stack_size - page;
    made->entry_ = entry;
    made->rewind();
    return *made;
  }

  // This one runs now; `to` goes on where it left. Exceptions that are being handled stay with their stack: the C++
  // runtime keeps them in 16 bytes per OS thread (Itanium C++ ABI: Exception Handling, 2.2.2).
  void switch_to(context& to) noexcept {
    std::memcpy(exceptions_, abi::__cxa_get_globals(), sizeof exceptions_);
#ifdef EXPLORER_ASAN
    __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
#endif
#ifdef EXPLORER_TSAN
    __tsan_switch_to_fiber(to.fiber_, 0);
#endif
    arrived(boost::context::detail::jump_fcontext(to.saved_, this));
    std::memcpy(abi::__cxa_get_globals(), exceptions_, sizeof exceptions_);
  }

  // Forgets all that was going on in it, without unwinding: the next switch calls `entry` afresh.
#ifdef EXPLORER_ASAN
  __attribute__((no_sanitize("address")))
#endif
  void
  abandon() {
#ifdef EXPLORER_ASAN
    // What the frames own is abandoned on purpose. Their words are kept, so that LSan does not call it leaked; a frame
    // that lives in ASan's fake stack has a pointer to it in its real one.
    static std::vector<void*>& kept = *new std::vector<void*>;
    kept.insert(kept.end(), std::begin(exceptions_), std::end(exceptions_));
    void** const top = reinterpret_cast<void**>(const_cast<char*>(bottom_) + size_);
    for (void** word = static_cast<void**>(saved_); word < top; ++word) {
      void* const value = *word;  // read here, where it is not instrumented
      kept.push_back(value);
      void *from = nullptr, *to = nullptr;
      if (!fake_stack_ || !__asan_addr_is_in_fake_stack(fake_stack_, value, &from, &to)) continue;
      for (void** inner = static_cast<void**>(from); inner < to; ++inner) {
        void* const inner_value = *inner;
        kept.push_back(inner_value);
      }
    }
    __asan_unpoison_memory_region(bottom_, size_);
#endif
#ifdef EXPLORER_TSAN
    __tsan_destroy_fiber(fiber_);
#endif
    rewind();
  }

 private:
  static constexpr std::size_t page = 4096;
#if defined(EXPLORER_ASAN) || defined(EXPLORER_TSAN)
  static constexpr std::size_t stack_size = 1024 * 1024;
#else
  static constexpr std::size_t stack_size = 256 * 1024;
#endif

  void rewind() {
    std::fill(std::begin(exceptions_), std::end(exceptions_), nullptr);
    saved_ = boost::context::detail::make_fcontext(const_cast<char*>(bottom_) + size_, size_, start);
#ifdef EXPLORER_TSAN
    fiber_ = __tsan_create_fiber(0);
#endif
  }
  void arrived(boost::context::detail::transfer_t t) noexcept {
    context* const from = static_cast<context*>(t.data);
    from->saved_ = t.fctx;
#ifdef EXPLORER_ASAN
    const void* bottom = nullptr;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &from->size_);
    from->bottom_ = static_cast<const char*>(bottom);
#endif
  }
  static void start(boost::context::detail::transfer_t t);

  boost::context::detail::fcontext_t saved_ = nullptr;
  void* exceptions_[2] = {};
  const char* bottom_ = nullptr;
  std::size_t size_ = 0;
  void (*entry_)() = nullptr;
#ifdef EXPLORER_ASAN
  void* fake_stack_ = nullptr;
#endif
#ifdef EXPLORER_TSAN
  void* fiber_ = nullptr;
#endif
};

constexpr int none = -1;
constexpr int free_spin_limit = 256;
constexpr std::uint64_t destroyed_mark = ~std::uint64_t{0};

using thread_set = unsigned;
constexpr thread_set only(int thread) { return 1u << thread; }
constexpr int lowest(thread_set s) { return __builtin_ctz(s); }

enum class status : std::uint8_t {
  ready,    // runs, or stands at a scheduling point
  blocked,  // in block_until
  paused,   // in pause
  joining,  // main, while the threads run
  finished,
};

struct simulated_thread {
  const char* name = "main";
  const std::function<void()>* body = nullptr;
  context* where = nullptr;
  status state = status::ready;

  // What it does next; no object means that it depends on everything.
  const void* pending_object = nullptr;
  bool pending_write = false;

  const std::function<bool()>* condition = nullptr;  // of block_until
  std::uint64_t own_changes = 0;                     // of atomics
  std::uint64_t seen_changes = 0;                    // by the others, when it last went on from a pause
  int free_spins = 0;                                // pauses that it may still pass because nobody else could run
  bool hopeless = false;                             // it used them all

  vector_clock now;
  const char* at = nullptr;
  const char* last_operation = "its start";
  void* local = nullptr;
};

// A scheduling point with more than one thread that could go on, in the run at hand.
struct branch {
  int chosen;
  thread_set to_do;  // to be tried after it
  thread_set done;   // tried before
};

bool acquires(std::memory_order o) { return o != std::memory_order_relaxed && o != std::memory_order_release; }
bool releases(std::memory_order o) {
  return o == std::memory_order_release || o == std::memory_order_acq_rel || o == std::memory_order_seq_cst;
}
const char* name_of(std::memory_order o) {
  static constexpr const char* names[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
  return names[static_cast<int>(o)];
}

// A schedule is the threads chosen at the branches, a for the first thread, with the length of each sequence: "a3b2a".
std::string encode(const std::vector<branch>& path) {
  std::string text;
  for (std::size_t i = 0, next; i < path.size(); i = next) {
    for (next = i; next < path.size() && path[next].chosen == path[i].chosen; ++next) {
    }
    text += static_cast<char>('a' + path[i].chosen - 1);
    if (next - i > 1) text += std::to_string(next - i);
  }
  return text;
}
std::vector<branch> decode(const std::string& text) {
  std::vector<branch> path;
  for (std::size_t i = 0; i < text.size();) {
    const int thread = text[i++] - 'a' + 1;
    if (thread < 1 || thread >= static_cast<int>(max_threads))
      throw std::invalid_argument("explorer: a schedule is made of letters a to g, each with an optional count, not " +
                                  text);
    std::size_t count = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
      count = count * 10 + static_cast<std::size_t>(text[i] - '0');
    path.insert(path.end(), std::max<std::size_t>(count, 1), branch{thread, 0, 0});
  }
  return path;
}

}  // namespace

class engine {
 public:
  engine(const options& how, const std::function<void(run&)>& set_up) : options_(how), set_up_(set_up) {
    if (current_)
      throw std::logic_error("explorer: an exploration inside an exploration; make it one or do one after the other");
    if (how.reduce && how.preemptions != unbounded)
      throw std::invalid_argument("explorer: reduce needs preemptions = unbounded, got " +
                                  std::to_string(how.preemptions));
  }

  result explore() {
    result r;
    do {
      run_once();
      path_.resize(depth_);
      ++r.runs;
      r.redundant += redundant_;
      r.max_depth = std::max(r.max_depth, steps_);
      if (!failure_.empty() && r.failures++ == 0) {
        report(r);
        if (options_.stop_at_first_failure) return r;
      }
      r.exhausted = !next_schedule();
    } while (!r.exhausted && r.runs < options_.max_runs);
    return r;
  }

  result replay(const std::string& schedule) {
    result r;
    path_ = decode(schedule);
    tracing_ = true;
    run_once();
    if (failure_.empty() && depth_ < path_.size()) failure_ = "the schedule does not fit: the program ended before it";
    r.runs = 1;
    r.max_depth = steps_;
    r.failed = !failure_.empty();
    r.failures = r.failed;
    r.message = failure_;
    r.trace = trace_;
    r.schedule = schedule;
    return r;
  }

  static engine* current() noexcept { return current_; }
  // The one whose operations are to be watched now: none while the scheduler evaluates a condition.
  static engine* watching() noexcept { return current_ && !current_->evaluating_ ? current_ : nullptr; }

  simulated_thread& self() noexcept { return threads_[running_]; }
  int running() const noexcept { return running_; }

  // --- the run, from the side of its threads ---

  [[noreturn]] void fail(std::string why) {
    failure_ = std::move(why);
    note("fails: " + failure_);
    self().where->switch_to(native_);
    std::abort();
  }

  void point(const detail::cell& c, const char* operation, bool writes) {
    simulated_thread& t = self();
    if (!resuming_) {
      t.pending_object = &c;
      t.pending_write = writes;
      schedule();
      t.last_operation = operation;
    }
    if (c.run == destroyed_mark)
      fail(std::string("use after destruction: ") + operation + " by " + t.name + " of " + label(&c));
  }

  void took_effect(detail::cell& c, const detail::access& a) {
    simulated_thread& t = self();
    if (c.run != run_) {
      c.released = c.used = {};
      c.run = run_;
    }
    c.used[running_] = t.now[running_];
    if (a.reads && acquires(a.order)) t.now.join(c.released);
    if (a.writes) {
      // A store ends the release sequence; a read-modify-write goes on with it, whatever its order.
      if (!a.reads) c.released = {};
      if (releases(a.order)) {
        c.released.join(t.now);
        ++t.now[running_];
      }
      if (a.before != a.after) {
        ++changes_;
        ++t.own_changes;
        t.free_spins = 0;
        t.hopeless = false;
      }
    }
    if (tracing_ && !resuming_) note(describe(c, a));
  }

  void destroyed(detail::cell& c) {
    if (!options_.lifetimes) return;
    const int user = c.run == run_ ? self().now.first_not_covered(c.used) : none;
    if (user != none)
      fail(std::string("lifetime: ") + self().name + " destroys " + label(&c) + ", which " + threads_[user].name +
           " uses; nothing orders the use before");
    // Volatile: a compiler may drop what a destructor writes to its object.
    *const_cast<volatile std::uint64_t*>(&c.run) = destroyed_mark;
  }

  void touch(detail::record& r, detail::use what) {
    using detail::use;
    if (what == use::destroy && !options_.lifetimes) return;
    simulated_thread& t = self();
    if (r.run != run_) {
      r.reads = r.writes = {};
      r.run = run_;
    }
    if (tracing_ && what != use::destroy)
      note(std::string(r.name) + (what == use::read ? ".read" : what == use::write ? ".write" : ".construct"));
    const int writer = t.now.first_not_covered(r.writes);
    const int reader = what == use::read ? none : t.now.first_not_covered(r.reads);
    if (writer != none || reader != none)
      fail(std::string("data race on ") + r.name + ": " + (writer != none ? "written" : "read") + " by " +
           threads_[writer != none ? writer : reader].name + ", " +
           (what == use::read      ? "read"
            : what == use::destroy ? "destroyed"
                                   : "written") +
           " by " + t.name + "; nothing orders the two");
    if (what == use::read) {
      r.reads[running_] = t.now[running_];
    } else {
      r.writes = {};
      r.writes[running_] = t.now[running_];
    }
  }

  void pause() {
    simulated_thread& t = self();
    count_step();
    t.last_operation = "pause";
    if (running_ == 0) return;  // nobody else is there to wait for
    if (changes_by_others(t) == t.seen_changes) {
      if (t.free_spins > 0) {
        if (--t.free_spins > 0) return;
        t.hopeless = true;
      }
      t.state = status::paused;
      t.pending_object = nullptr;
      if (tracing_) note("pauses");
      schedule();
    }
    t.state = status::ready;
    if (changes_by_others(t) != t.seen_changes) {
      t.seen_changes = changes_by_others(t);
      t.free_spins = 0;
      t.hopeless = false;
    }
  }

  void block_until(const std::function<bool()>& condition) {
    simulated_thread& t = self();
    t.condition = &condition;
    t.last_operation = "block_until";
    t.pending_object = nullptr;
    t.free_spins = 0;
    if (tracing_) note("waits for a condition");
    if (running_ == 0) {
      if (!holds(t)) deadlock();
    } else {
      t.state = status::blocked;
      schedule();
      t.state = status::ready;
    }
    resuming_ = true;
    condition();
    resuming_ = false;
    if (tracing_) note("goes on");
  }

  void name(const void* object, std::string text) { names_[object] = std::move(text); }
  bool tracing() const noexcept { return tracing_; }

  void note(const std::string& what) {
    if (!tracing_) return;
    std::string who = self().name;
    who.resize(std::max<std::size_t>(who.size(), 12), ' ');
    trace_ += who + "  " + what + '\n';
  }

  // Runs what a context was resumed for. Nothing after the last switch may use `this`: the context may be reused by
  // then.
  void thread_body() {
    simulated_thread& t = self();
    try {
      if (running_ == 0)
        main_body();
      else
        (*t.body)();
    } catch (const std::exception& e) {
      fail(std::string("an exception left ") + t.name + ": " + e.what());
    } catch (...) {
      fail(std::string("an exception left ") + t.name);
    }
    t.state = status::finished;
    if (running_ == 0) {
      t.where->switch_to(native_);
    } else {
      note("ends");
      schedule();
    }
  }

 private:
  // --- one run ---

  void run_once() {
    static thread_local std::uint64_t last_run = 0;
    run_ = ++last_run;
    depth_ = steps_ = changes_ = 0;
    preemptions_ = 0;
    asleep_ = 0;
    redundant_ = evaluating_ = resuming_ = false;
    advancing_for_ = none;
    failure_.clear();
    trace_.clear();
    names_.clear();
    thread_count_ = running_ = unnamed_ = 0;
    add_thread();
    threads_[0].now[0] = 1;
    current_ = this;
    native_.switch_to(*threads_[0].where);
    current_ = nullptr;
    if (failure_.empty()) return;
    for (int i = 0; i < thread_count_; ++i) threads_[i].where->abandon();
  }

  simulated_thread& add_thread() {
    if (thread_count_ == static_cast<int>(max_threads))
      throw std::length_error("explorer: a run has at most " + std::to_string(max_threads - 1) + " threads");
    static thread_local context* contexts[max_threads] = {};
    context*& where = contexts[thread_count_];
    if (!where) where = &context::make([] { current()->thread_body(); });
    simulated_thread& t = threads_[thread_count_++] = {};
    t.where = where;
    return t;
  }

  void main_body() {
    run r;
    set_up_(r);
    for (const run::named_body& b : r.threads_) {
      simulated_thread& t = add_thread();
      t.name = b.name.c_str();
      t.body = &b.body;
      t.now = threads_[0].now;
      t.now[thread_count_ - 1] = 1;
    }
    threads_[0].state = status::joining;
    for (int i = 1; i < thread_count_; ++i) advance(i);
    if (thread_count_ > 1) schedule();
    threads_[0].state = status::ready;
    for (int i = 1; i < thread_count_; ++i) threads_[0].now.join(threads_[i].now);
    for (const std::function<void()>& check : r.afters_) check();
  }

  // Runs a thread up to its next scheduling point: what it does before concerns itself alone.
  void advance(int thread) {
    advancing_for_ = running_;
    switch_thread(thread);
  }

  void switch_thread(int to) {
    context& from = *self().where;
    running_ = to;
    from.switch_to(*threads_[to].where);
  }

  // The scheduling point: returns when the calling thread is the one to go on.
  void schedule() {
    if (advancing_for_ != none) return switch_thread(std::exchange(advancing_for_, none));
    count_step();
    if (running_ == 0 && self().state != status::joining) return;
    thread_set enabled = 0, stuck = 0;
    bool all_finished = true;
    for (int i = 1; i < thread_count_; ++i) {
      simulated_thread& t = threads_[i];
      if (t.state == status::paused && changes_by_others(t) != t.seen_changes) advance(i);
      if (t.state == status::ready || (t.state == status::blocked && holds(t))) enabled |= only(i);
      if (t.state == status::paused && !t.hopeless) stuck |= only(i);
      all_finished = all_finished && t.state == status::finished;
    }
    if (all_finished) return running_ == 0 ? void() : switch_thread(0);
    if (!enabled) {
      enabled = stuck;
      if (!enabled) deadlock();
    }
    const int next = choose(enabled);
    if (threads_[next].state == status::paused) threads_[next].free_spins = free_spin_limit;
    if (next != running_) switch_thread(next);
  }

  int choose(thread_set enabled) {
    const bool could_go_on = (enabled & only(running_)) && self().state != status::paused;
    int next = could_go_on ? running_ : lowest(enabled);
    if (enabled == only(next)) {
      redundant_ = redundant_ || (asleep_ & enabled);
    } else {
      if (depth_ == path_.size()) {
        const thread_set awake = enabled & ~asleep_;
        redundant_ = redundant_ || !awake;
        if (!redundant_ && !(awake & only(next))) next = lowest(awake);
        const bool may_branch = !redundant_ && (!could_go_on || preemptions_ < options_.preemptions);
        path_.push_back({next, may_branch ? awake & ~only(next) : 0, 0});
      }
      const branch& b = path_[depth_++];
      next = b.chosen;
      if (!(enabled & only(next)))
        fail("the schedule does not fit: the program depends on more than the schedule, or has changed since");
      if (options_.reduce) asleep_ |= b.done;
    }
    if (could_go_on && next != running_) {
      ++preemptions_;
      if (tracing_) note("(could go on)");
    }
    // A thread sleeps until something happens that its pending operation does not commute with.
    for (int i = 1; i < thread_count_; ++i)
      if ((asleep_ & only(i)) && !commute(threads_[i], threads_[next])) asleep_ &= ~only(i);
    return next;
  }

  static bool commute(const simulated_thread& a, const simulated_thread& b) {
    return a.pending_object && b.pending_object &&
           (a.pending_object != b.pending_object || (!a.pending_write && !b.pending_write));
  }

  bool holds(const simulated_thread& t) {
    evaluating_ = true;
    const bool answer = (*t.condition)();
    evaluating_ = false;
    return answer;
  }

  std::uint64_t changes_by_others(const simulated_thread& t) const { return changes_ - t.own_changes; }

  void count_step() {
    if (++steps_ <= options_.max_steps) return;
    fail("no end after " + std::to_string(options_.max_steps) +
         " steps: a livelock, or a loop that waits without explorer::pause()" + where_they_stand());
  }

  [[noreturn]] void deadlock() { fail("deadlock" + where_they_stand()); }

  std::string where_they_stand() const {
    std::string text;
    for (int i = thread_count_ > 1 ? 1 : 0; i < thread_count_; ++i) {
      const simulated_thread& t = threads_[i];
      if (t.state == status::finished) continue;
      text += std::string(text.empty() ? ": " : "; ") + t.name +
              (t.state == status::blocked  ? " waits in block_until"
               : t.state == status::paused ? " spins in pause"
                                           : std::string(" is after ") + t.last_operation);
      if (t.at) text += std::string(" at \"") + t.at + '"';
    }
    return text;
  }

  // --- the search ---

  // Moves path_ to the next schedule, depth first; false if there is none.
  bool next_schedule() {
    for (; !path_.empty(); path_.pop_back()) {
      branch& b = path_.back();
      if (!b.to_do) continue;
      b.done |= only(b.chosen);
      b.chosen = lowest(b.to_do);
      b.to_do &= ~only(b.chosen);
      return true;
    }
    return false;
  }

  // Runs the failing schedule once more, now with the trace.
  void report(result& r) {
    r.failed = true;
    r.message = failure_;
    r.schedule = encode(path_);
    tracing_ = true;
    run_once();
    tracing_ = false;
    r.trace = trace_;
    if (!failure_.empty())
      r.message = failure_;
    else
      r.message += " (and did not fail again under the same schedule: the program depends on more than the schedule)";
  }

  // --- text ---

  std::string label(const void* object) {
    std::string& text = names_[object];
    if (text.empty()) text = '#' + std::to_string(++unnamed_);
    return text;
  }

  std::string print(std::uint64_t value, detail::shape kind) {
    switch (kind) {
      case detail::shape::boolean:
        return value ? "true" : "false";
      case detail::shape::pointer:
        return value ? '&' + label(reinterpret_cast<const void*>(static_cast<std::uintptr_t>(value))) : "null";
      case detail::shape::negative:
        return std::to_string(static_cast<std::int64_t>(value));
      case detail::shape::number:
        break;
    }
    char text[24];
    std::snprintf(text, sizeof text, value < 10'000 ? "%llu" : "0x%llx", static_cast<unsigned long long>(value));
    return text;
  }

  std::string describe(const detail::cell& c, const detail::access& a) {
    const std::string effect = !a.writes  ? print(a.before, a.kind)
                               : !a.reads ? print(a.after, a.kind)
                                          : print(a.before, a.kind) + " -> " + print(a.after, a.kind);
    const bool failed = !a.writes && std::strcmp(a.operation, "load") != 0;
    return label(&c) + '.' + a.operation + ' ' + effect + (failed ? " not as expected" : "") + " (" + name_of(a.order) +
           ')';
  }

  static thread_local constinit engine* current_;

  const options options_;
  const std::function<void(run&)>& set_up_;
  context native_;

  // The search.
  std::vector<branch> path_;
  bool tracing_ = false;

  // The run at hand.
  std::array<simulated_thread, max_threads> threads_;
  int thread_count_ = 0;
  int running_ = 0;
  int advancing_for_ = none;  // who lets another thread come to its next scheduling point
  std::uint64_t run_ = 0;
  std::uint64_t changes_ = 0;
  std::size_t depth_ = 0;  // branches passed
  std::size_t steps_ = 0;
  int preemptions_ = 0;
  thread_set asleep_ = 0;    // to let one of these go on now would repeat an earlier run
  bool redundant_ = false;   // all that could go on were asleep: the run is only brought to its end
  bool evaluating_ = false;  // the scheduler looks at a condition: no points, no clocks
  bool resuming_ = false;    // a condition is evaluated by its own thread: no points, but clocks
  std::string failure_;
  std::string trace_;
  std::map<const void*, std::string> names_;
  int unnamed_ = 0;
};

thread_local constinit engine* engine::current_ = nullptr;

namespace {
void context::start(boost::context::detail::transfer_t t) {
  // A fresh context is resumed by whoever sends it to its first point; the engine knows which one that is.
  context* const self = engine::current()->self().where;
  self->arrived(t);
  std::memcpy(abi::__cxa_get_globals(), self->exceptions_, sizeof exceptions_);
  for (;;) self->entry_();
}
}  // namespace

namespace detail {
void point(cell& c, const char* operation, bool writes) noexcept {
  if (engine* e = engine::watching()) e->point(c, operation, writes);
}
void took_effect(cell& c, const access& a) noexcept {
  if (engine* e = engine::watching()) e->took_effect(c, a);
}
void destroyed(cell& c) noexcept {
  if (engine* e = engine::watching()) e->destroyed(c);
}
void touch(record& r, use what) noexcept {
  if (engine* e = engine::watching()) e->touch(r, what);
}
}  // namespace detail

result explore(const options& how, const std::function<void(run&)>& set_up) { return engine(how, set_up).explore(); }

result replay(const std::string& schedule, const std::function<void(run&)>& set_up, const options& how) {
  options free = how;
  free.preemptions = unbounded;
  free.reduce = false;
  return engine(free, set_up).replay(schedule);
}

void check(bool condition, const char* text) {
  if (condition) return;
  engine* const e = engine::current();
  if (!e) throw std::logic_error(std::string("explorer::check failed outside a run: ") + text);
  e->fail(std::string("check failed in ") + e->self().name + ": " + text);
}

bool exploring() noexcept { return engine::current() != nullptr; }

void pause() noexcept {
  if (engine* e = engine::watching()) e->pause();
}

void block_until(const std::function<bool()>& condition) {
  if (engine* e = engine::watching()) return e->block_until(condition);
  if (!condition()) throw std::logic_error("explorer::block_until: outside a run nobody can make the condition true");
}

int self() noexcept { return engine::current() ? engine::current()->running() - 1 : -1; }

void*& local() noexcept {
  static thread_local void* outside = nullptr;
  return engine::current() ? engine::current()->self().local : outside;
}

void at(const char* what) {
  if (engine* e = engine::current()) {
    e->self().at = what;
    if (e->tracing()) e->note(std::string("at \"") + what + '"');
  }
}

void name(const void* object, std::string text) {
  if (engine* e = engine::current(); e && e->tracing()) e->name(object, std::move(text));
}

std::string result::text() const {
  std::string t = std::to_string(runs) + " runs";
  if (redundant) t += " (" + std::to_string(redundant) + " redundant)";
  t += exhausted ? ", exhausted" : ", not exhausted";
  t += ", at most " + std::to_string(max_depth) + " steps";
  if (failed) t += ", " + std::to_string(failures) + " failed\n" + message + "\nschedule: " + schedule + '\n' + trace;
  return t;
}

}  // namespace explorer
