// What is fuzzed of HTTP's codec, and what it starts from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

// Lets a reader read `input`: its first octet says which and how, the second in which pieces, the rest is what the peer
// sends. Aborts, with a sentence, if something is not as it must be.
void http(std::string_view input);

// Inputs that come far.
std::vector<std::string> http_seeds();

}  // namespace fuzz
