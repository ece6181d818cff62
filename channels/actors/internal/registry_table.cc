#include "weir/channels/actors/internal/registry_table.h"

#include <cxxabi.h>
#include <fmt/core.h>

#include <cstdlib>

#include "weir/runtime/base/errors.h"

namespace weir::internal {
namespace {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    &std::free);
  return status == 0 ? text.get() : type.name();
}

}  // namespace

void registry_table::add(std::string_view name, mailbox_base& box, const std::type_info& type, site where) {
  if (name.empty())
    throw_misuse("registry::register_name", "a name must have at least one character", "\"\" for " + box.describe(),
                 "Say what the actor is to be found by.", where);
  std::lock_guard guard(mutex_);
  const auto [at, is_free] = entries_.try_emplace(std::string(name), entry{&box, &type});
  if (!is_free)
    throw_misuse("registry::register_name", "a name is taken once",
                 fmt::format("\"{}\", which {} has", name, at->second.box->describe()),
                 "unregister() it first, or end its actor: the name goes with its mailbox.", where);
  bool alive = false;
  try {
    alive = box.add_name(shared_from_this(), at->first);
  } catch (...) {
    entries_.erase(at);
    throw;
  }
  if (alive) return;
  entries_.erase(at);
  throw_misuse("registry::register_name", "the mailbox of a name must not have ended",
               fmt::format("\"{}\" for {}", name, box.describe()), "Register it in its actor, before it ends.", where);
}

bool registry_table::remove(std::string_view name) {
  std::lock_guard guard(mutex_);
  const auto at = entries_.find(name);
  if (at == entries_.end()) return false;
  at->second.box->remove_name(*this, at->first);
  entries_.erase(at);
  return true;
}

mailbox_base* registry_table::find(std::string_view name, const std::type_info& type, site where) {
  std::lock_guard guard(mutex_);
  const auto at = entries_.find(name);
  if (at == entries_.end()) return nullptr;
  if (*at->second.type != type)
    throw_misuse("registry::lookup", fmt::format("\"{}\" is registered as {}", name, type_name(*at->second.type)),
                 type_name(type), "Look it up with the message types of its mailbox, in the same order.", where);
  at->second.box->retain();
  return at->second.box;
}

std::vector<std::string> registry_table::names() {
  std::lock_guard guard(mutex_);
  std::vector<std::string> all;
  for (const auto& [name, e] : entries_) all.push_back(name);
  return all;
}

void registry_table::forget(const std::string& name, const mailbox_base& box) noexcept {
  std::lock_guard guard(mutex_);
  const auto at = entries_.find(name);
  if (at != entries_.end() && at->second.box == &box) entries_.erase(at);
}

}  // namespace weir::internal
