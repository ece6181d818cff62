// registry: names for actors, so that whoever starts later or is restarted finds whoever is there.
//   weir::registry names;                          the table of the calling actor's runtime
//   names.register_name("db", box.address());
//   auto db = names.lookup<get, put>("db");        std::optional<address<get, put>>
//
// Thread-safety: all of it. There is one table per runtime; a registry object is a handle to it.
//
// A name goes with its mailbox, which goes with its actor: before the actor's exit is published the name is free again.
// Do not keep what lookup() gave longer than you want that very actor: one that is restarted has another address.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "weir/channels/actors/address.h"
#include "weir/channels/actors/internal/registry_table.h"
#include "weir/runtime/base/site.h"
#include "weir/runtime/runtime.h"

namespace weir {

class registry {
 public:
  // Of the calling actor's runtime; misuse on a plain thread.
  explicit registry(site where = site::current());
  explicit registry(runtime& r);

  // Misuse if the name is taken or empty, or if the mailbox has ended. A mailbox may have several names. Allocates.
  template <class... Messages>
  void register_name(std::string_view name, const address<Messages...>& a, site where = site::current()) const {
    table_->add(name, a.core("registry::register_name", where), typeid(address<Messages...>), where);
  }

  // Who goes by that name now; empty if nobody does. Misuse if its mailbox takes other messages than you say.
  template <class... Messages>
  std::optional<address<Messages...>> lookup(std::string_view name, site where = site::current()) const {
    internal::mailbox_base* const found = table_->find(name, typeid(address<Messages...>), where);
    if (found == nullptr) return {};
    return address<Messages...>(static_cast<typename address<Messages...>::core_type*>(found));
  }

  // The name is free again; false if nobody has it.
  bool unregister(std::string_view name) const { return table_->remove(name); }

  // All that are taken now, in alphabetical order. Allocates.
  std::vector<std::string> names() const { return table_->names(); }

 private:
  std::shared_ptr<internal::registry_table> table_;
};

}  // namespace weir
