// What is fuzzed of message_endpoint's parser, and what it starts from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

// Reads `text` as an endpoint to bind, and as one to connect to. Aborts, with a sentence, if something is not as it
// must be.
void message_endpoint(std::string_view text);

std::vector<std::string> message_endpoint_seeds();

}  // namespace fuzz
