// What is fuzzed of the codec, and what it starts from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

// Lets handshake and decoder read `input`: its first octet says as whom, the second in which pieces, the rest is what
// the peer sends. Aborts, with a sentence, if something is not as it must be.
void codec(std::string_view input);

// Inputs that come far.
std::vector<std::string> codec_seeds();

}  // namespace fuzz
