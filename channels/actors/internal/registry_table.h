// The names of a runtime: a table from a name to the mailbox that goes by it.
//
// Thread-safety: all of it.
//
// Invariant: an entry's mailbox knows of its entry, and takes it out before it ends; so a pointer that is found in the
// table, under the table's lock, is good. The order of locks is: the table's, then a mailbox's.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "weir/channels/actors/internal/mailbox_core.h"
#include "weir/runtime/base/site.h"

namespace weir::internal {

class registry_table final : public name_table, public std::enable_shared_from_this<registry_table> {
 public:
  // `type`: of the address. Throws misuse if the name is empty or taken, or if the mailbox has ended.
  void add(std::string_view name, mailbox_base& box, const std::type_info& type, site where);
  bool remove(std::string_view name);
  // With a reference for the caller; null if nobody goes by that name. Throws misuse if its address is of another type.
  mailbox_base* find(std::string_view name, const std::type_info& type, site where);
  std::vector<std::string> names();

  void forget(const std::string& name, const mailbox_base& box) noexcept override;

 private:
  struct entry {
    mailbox_base* box;
    const std::type_info* type;
  };

  std::mutex mutex_;
  std::map<std::string, entry, std::less<>> entries_;  // guarded by mutex_
};

}  // namespace weir::internal
