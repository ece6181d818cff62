// weir::net::open_mode: what is wanted of a file when it is opened.
#pragma once

#include <cstdint>

namespace weir::net {

enum class open_mode : std::uint8_t {
  read,    // it must be there
  write,   // emptied if it is there, made if it is not
  append,  // made if it is not there; each write goes to the end, wherever that is by then
  update,  // to read and write; it must be there
  create,  // to read and write; it must not be there: of several who try one gets it
};

}  // namespace weir::net
