#include "weir/net/dns/resolver.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "weir/net/dns/internal/answer_cache.h"
#include "weir/net/dns/internal/attempt_order.h"
#include "weir/net/dns/internal/host_name.h"
#include "weir/net/dns/internal/hosts_file.h"
#include "weir/net/dns/internal/name_servers.h"
#include "weir/net/dns/internal/query.h"
#include "weir/net/error.h"
#include "weir/net/files/file_info.h"
#include "weir/net/files/internal/file_call.h"
#include "weir/net/files/whole_file.h"
#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/actor_core.h"
#include "weir/runtime/internal/event.h"
#include "weir/runtime/internal/forked.h"
#include "weir/runtime/internal/interrupt.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir::net {
namespace {

namespace base = weir::internal;
using namespace std::chrono_literals;

constexpr const char* system_servers = "/etc/resolv.conf";
constexpr std::size_t longest_hosts_file = 64 << 20;
// How long a look at the files may wait for a thread, if what they said before is known.
constexpr auto patience = 100ms;

// A question under way; who asks the same waits for it.
struct question {
  base::event over;
  base::process_mark mark;
  std::optional<internal::answer> found;  // before `over`; empty: the one who asked gave up
};

// What the system's files say, and when they said it.
struct configuration {
  std::shared_ptr<const internal::hosts_file> hosts;
  std::shared_ptr<const internal::name_servers> servers;
  std::optional<file_info> hosts_seen, servers_seen;
  base::time_point looked{};
};

bool same(const std::optional<file_info>& a, const std::optional<file_info>& b) {
  if (!a || !b) return !a && !b;
  return a->same_file(*b) && a->modified == b->modified && a->size == b->size;
}

bool is_lasting(dns_errc e) noexcept { return e == dns_errc::no_such_name || e == dns_errc::no_address; }

}  // namespace

class resolver::state {
 public:
  explicit state(resolver_options options) : options_(std::move(options)), cache_(options_.most_names) {}

  std::vector<address> find(std::string_view host, std::uint16_t port, deadline limit);
  void forget() { cache_.clear(); }
  statistics stats() {
    return {questions_.load(std::memory_order_relaxed), known_.load(std::memory_order_relaxed), cache_.size()};
  }

 private:
  configuration present(const std::string& host, deadline limit);
  configuration look(const configuration& old, deadline limit) const;
  std::string hosts_text(deadline limit) const;
  internal::answer ask(const internal::name_servers& whom, const std::string& name, deadline limit);
  std::vector<address> known(std::vector<address> addresses) {
    known_.fetch_add(1, std::memory_order_relaxed);
    return addresses;
  }

  const resolver_options options_;
  internal::answer_cache cache_;
  std::atomic<std::uint64_t> questions_{0}, known_{0};  // relaxed: counts
  std::mutex mutex_;                                    // never held over a park
  configuration configuration_;                         // guarded by mutex_, as are:
  std::optional<base::process_mark> looking_;           // who looks at the files
  std::unordered_map<std::string, std::shared_ptr<question>> asked_;
};

// One that cannot be read says nothing, as to the C library.
std::string resolver::state::hosts_text(deadline limit) const {
  try {
    return read_file(options_.hosts, {.most = longest_hosts_file}, limit);
  } catch (const error& e) {
    if (e.timeout() || e.closed()) throw;
    return {};
  }
}

// What the files say; what has not changed since `old` is kept. On a thread that may wait.
configuration resolver::state::look(const configuration& old, deadline limit) const {
  configuration next = old;
  next.looked = base::now();
  next.hosts_seen = try_stat(options_.hosts);
  if (!next.hosts || !same(next.hosts_seen, old.hosts_seen))
    next.hosts = std::make_shared<const internal::hosts_file>(next.hosts_seen ? hosts_text(limit) : std::string());
  if (options_.servers.empty()) next.servers_seen = try_stat(system_servers);
  if (!next.servers || !same(next.servers_seen, old.servers_seen))
    next.servers = std::make_shared<const internal::name_servers>(internal::name_server_options{
        .servers = options_.servers, .timeout = options_.timeout, .tries = options_.tries});
  return next;
}

// Looks at the files once a second at most, in one call of the pool. Meanwhile the others go on with what is known; so
// does the one that looks, if there is no thread for it.
configuration resolver::state::present(const std::string& host, deadline limit) {
  configuration old;
  {
    std::lock_guard guard(mutex_);
    old = configuration_;
    if (old.hosts && ((looking_ && !looking_->foreign()) || base::now() - old.looked < 1s)) return old;
    looking_.emplace();
  }
  struct ending {
    state& of;
    ~ending() {
      std::lock_guard guard(of.mutex_);
      of.looking_.reset();
    }
  } const end{*this};
  try {
    const deadline begun = old.hosts ? std::min<deadline>(limit, patience) : limit;
    configuration next =
        internal::file_call("resolve", host, begun, [&](const internal::call_limit&) { return look(old, limit); });
    std::lock_guard guard(mutex_);
    if (next.looked > configuration_.looked) configuration_ = next;
    return next;
  } catch (const error& e) {
    if (!old.hosts || !e.timeout()) throw;
  } catch (const actor_cancelled&) {
    if (!old.hosts) throw error(ECANCELED, "resolve", host);
  }
  std::lock_guard guard(mutex_);
  if (!limit.expired()) configuration_.looked = base::now();  // else each would lose his patience in turn
  return old;
}

std::vector<address> resolver::state::find(std::string_view host, std::uint16_t port, deadline limit) {
  if (std::optional<address> number = address::ip(host, port)) return {*number};
  const auto with_port = [&](std::vector<address> all) {
    for (address& a : all) a.set_port(port);
    return all;
  };
  const std::optional<internal::host_name> name = internal::host_name_of(host);
  if (!name) throw error(make_error_code(dns_errc::not_a_name), "resolve", std::string(host));
  const configuration system = present(std::string(host), limit);
  if (const std::vector<address>* const found = system.hosts->find(name->text)) {
    std::vector<address> v6, v4;
    for (const address& a : *found) (a.family() == AF_INET6 ? v6 : v4).push_back(a);
    return known(with_port(internal::attempt_order(v6, v4)));
  }
  if (internal::is_localhost(name->text))
    return known(with_port({*address::ip("::1", 0), *address::ip("127.0.0.1", 0)}));
  const std::string key = name->absolute ? name->text + '.' : name->text;
  internal::answer a;
  if (std::optional<internal::answer> before = cache_.find(key)) {
    known_.fetch_add(1, std::memory_order_relaxed);
    a = std::move(*before);
  } else {
    a = ask(*system.servers, key, limit);
  }
  if (a.failure) throw error(make_error_code(*a.failure), "resolve", std::string(host));
  return with_port(std::move(a.addresses));
}

internal::answer resolver::state::ask(const internal::name_servers& whom, const std::string& name, deadline limit) {
  std::shared_ptr<question> mine;
  for (;;) {
    std::shared_ptr<question> theirs;
    {
      std::lock_guard guard(mutex_);
      const auto place = asked_.find(name);
      if (place != asked_.end() && !place->second->mark.foreign()) {
        theirs = place->second;
      } else if (std::optional<internal::answer> meanwhile = cache_.find(name)) {
        // Answered since the caller looked: the cache has it before the question is taken out.
        known_.fetch_add(1, std::memory_order_relaxed);
        return *std::move(meanwhile);
      } else {
        mine = std::make_shared<question>();
        asked_.insert_or_assign(name, mine);
      }
    }
    if (mine) break;
    const base::plain_wait why("resolve", "the answer to another one's question");
    switch (theirs->over.wait(why, base::interruptible::yes, limit)) {
      case base::event::outcome::set:
        if (theirs->found) return *theirs->found;
        break;  // that one was cancelled, or had a shorter deadline
      case base::event::outcome::timeout:
        throw error(make_error_code(errc::timeout), "resolve", name);
      case base::event::outcome::cancelled:
        base::meet_cancel("resolve");
        throw error(ECANCELED, "resolve", name);
    }
  }
  // Whatever ends this call, those who wait for it hear of it.
  struct ending {
    state& of;
    question& q;
    const std::string& name;
    ~ending() {
      {
        std::lock_guard guard(of.mutex_);
        of.asked_.erase(name);
      }
      q.over.set();
    }
  } const end{*this, *mine, name};
  questions_.fetch_add(1, std::memory_order_relaxed);
  internal::answer a = internal::ask_name_servers(whom, name, options_.other_family, limit);
  a.good_for = std::min(a.good_for, a.failure ? options_.longest_failure : options_.longest);
  if (!a.failure || is_lasting(*a.failure)) cache_.put(name, a);
  mine->found = a;
  return a;
}

resolver::resolver(resolver_options options) : state_(std::make_unique<state>(std::move(options))) {}
resolver::~resolver() = default;

std::vector<address> resolver::resolve(std::string_view host, std::uint16_t port, deadline limit) {
  return state_->find(host, port, limit);
}
void resolver::forget() { state_->forget(); }
resolver::statistics resolver::stats() const { return state_->stats(); }

std::vector<address> resolve(std::string_view host, std::uint16_t port, deadline limit) {
  if (base::actor_core* const a = base::current_actor())
    return a->runtime().extensions().get<resolver>()->resolve(host, port, limit);
  static resolver* const of_threads = new resolver;  // never destroyed: a thread may use it at exit
  return of_threads->resolve(host, port, limit);
}

}  // namespace weir::net
