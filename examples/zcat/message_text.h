// message_text: a message as a line of text, or of JSON.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "weir/net/message.h"

namespace zcat {

// Its frames with a tab between them, as they are, and a newline.
void append_line(std::string& to, const weir::net::message& m);
// {"frames": [...]} (RFC 8259) and a newline; a frame is a string, or if it is not UTF-8 {"hex": "00ff"}.
void append_json(std::string& to, const weir::net::message& m);

}  // namespace zcat
