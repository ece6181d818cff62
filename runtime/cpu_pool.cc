#include "weir/runtime/cpu_pool.h"

#include <fmt/core.h>

#include "weir/runtime/base/errors.h"
#include "weir/runtime/internal/cores.h"
#include "weir/runtime/internal/process.h"
#include "weir/runtime/internal/runtime_core.h"

namespace weir {
namespace {

constexpr int most_threads = 1024;

internal::job_pool_settings checked(const cpu_pool_options& options, site where) {
  if (options.threads && (*options.threads < 1 || *options.threads > most_threads))
    internal::throw_misuse("cpu_pool", "cpu_pool_options.threads must be 1..1024", fmt::format("{}", *options.threads),
                           "Leave it out for one thread per usable core.", where);
  if (options.bound < 1)
    internal::throw_misuse("cpu_pool", "cpu_pool_options.bound must be at least 1", "0",
                           "The default, 1024, fits most.", where);
  internal::process_count_forks();  // before the pool's mark is made
  return internal::for_cpu_work(options.threads ? *options.threads : internal::usable_cores(), options.bound);
}

}  // namespace

cpu_pool::cpu_pool(const cpu_pool_options& options, site where)
    : jobs_(std::make_shared<internal::job_pool>(checked(options, where))), where_(where) {}

cpu_pool::~cpu_pool() {
  if (jobs_->forked()) internal::abort_forked("~cpu_pool", "a pool of threads", where_);
  if (jobs_->on_own_thread())
    internal::abort_misuse("~cpu_pool", "a pool cannot end inside one of its own jobs", "a call by one of its threads",
                           "Let somebody else own it.", where_);
  jobs_->stop();
}

namespace internal {

const std::shared_ptr<job_pool>& pool_for_submit(site where) {
  if (actor_core* const a = current_actor()) return a->runtime().cpu_jobs();
  refuse_forking_actor("submit", where);
  throw_misuse("submit", "the pool of a runtime needs a running actor", "a plain thread", "Call submit of a cpu_pool.",
               where);
}

}  // namespace internal
}  // namespace weir
