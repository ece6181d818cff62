// Two actors that send to each other, and what weir says when both wait: run it.
#include "weir/weir.h"

int main() {
  return weir::run([] {
    auto [lookups, questions] = weir::channel<int>(8, "lookups");
    auto [replies, answers] = weir::channel<int>(8, "replies");

    weir::with_scope([&](weir::scope& s) {
      s.spawn("enricher", [lookups = std::move(lookups), answers = std::move(answers)] {
        for (int row = 0; row < 1000; ++row)
          if (!lookups.send(row)) return;  // asks for everything before it takes the first answer
        for (int row = 0; row < 1000; ++row) answers.recv();
      });
      s.spawn("cache", [questions = std::move(questions), replies = std::move(replies)] {
        for (int row : questions)
          if (!replies.send(row * row)) return;  // nobody takes the ninth
      });
    });
  });  // throws weir::deadlock; as nobody catches it, the program ends with the report and exit status 70
}
