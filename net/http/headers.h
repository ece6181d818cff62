// weir::net::http::headers: the fields of a message, in order; names without case.
//   add, set, erase              of ours: checked, so that no value can end its line and begin another
//   get, all, contains           by name
//   has_token                    of a list: `Connection: keep-alive, Upgrade` has "upgrade"
//
// Thread-safety: values.
//
// Invariant: a name is a token of RFC 9110 (5.6.2); a value has neither CR, LF, NUL nor other control characters but
// the tab, and no space at its ends. So what is written cannot be another message than what was meant.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/runtime/base/site.h"

namespace weir::net::http {
namespace internal {
struct unchecked;  // of the reader, which has checked already
}

struct field {
  std::string name;
  std::string value;

  friend bool operator==(const field&, const field&) = default;
};

// ASCII's letters without case.
bool equal_names(std::string_view a, std::string_view b) noexcept;
bool is_token(std::string_view text) noexcept;
// Of headers::add.
bool is_field_value(std::string_view text) noexcept;
// Without the spaces and tabs at its ends.
std::string_view trimmed(std::string_view text) noexcept;

class headers {
 public:
  headers() = default;
  // `{{"Accept", "text/html"}, {"X-A", "1"}}`; throws as add() does.
  headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields, site where = site::current());

  // Behind the others, also if there are some of that name. Spaces at the value's ends go. Throws misuse if the name is
  // no token or the value has a control character: CR and LF would begin another field, or another message.
  void add(std::string_view name, std::string_view value, site where = site::current());
  // In the place of the first of that name, and instead of all of them.
  void set(std::string_view name, std::string_view value, site where = site::current());
  // How many there were.
  std::size_t erase(std::string_view name);
  void clear() noexcept { fields_.clear(); }

  // The value of the first one of that name. Valid until the fields change.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  std::vector<std::string_view> all(std::string_view name) const;
  std::size_t count(std::string_view name) const noexcept;
  bool contains(std::string_view name) const noexcept { return get(name).has_value(); }
  // Whether the comma-separated list that all fields of that name make together has `token`, without case.
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  std::size_t size() const noexcept { return fields_.size(); }
  bool empty() const noexcept { return fields_.empty(); }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

  friend bool operator==(const headers&, const headers&) = default;

 private:
  friend struct internal::unchecked;

  std::vector<field> fields_;
};

}  // namespace weir::net::http
