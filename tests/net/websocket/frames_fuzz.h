// What is fuzzed of WebSocket's codec, and what it starts from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

// Lets a decoder read `input`: its first octet says on which side, the second in which pieces, the rest is what the
// peer sends. Aborts, with a sentence, if something is not as it must be.
void frames(std::string_view input);

// Inputs that come far.
std::vector<std::string> frames_seeds();

}  // namespace fuzz
