// A chat room: an actor with a mailbox, which tells everybody each line that it is sent. It remembers four of them; dan
// sleeps through the evening, and learns how many he missed.
#include <chrono>
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

using namespace std::chrono_literals;

// What the room is sent. Who enters gets an ear for all that is said from then on.
struct line {
  std::string who, text;
};
using ear = weir::broadcast_receiver<line>;
struct enter {
  weir::reply_to<ear> reply;
};
struct leave {};
using inbox = weir::mailbox<enter, line, leave>;
using door = weir::address<enter, line, leave>;

// Is open until the last guest has left.
void room(inbox& box) {
  auto [tell, unused] = weir::broadcast<line>(4, {.name = "room"});
  unused.reset();
  int guests = 0;
  while (box.receive([&](enter& e) { ++guests, std::move(e.reply).send(tell.subscribe()); },
                     [&](line& l) { tell.send(std::move(l)); },  //
                     [&](leave) { return --guests > 0; })) {
  }
}

// Talks, and prints all that is said.
void host(const door& at, const ear& hear) {
  at.send(line{"ann", "is anybody here?"});
  for (line& l : hear) {
    std::printf("%s: %s\n", l.who.c_str(), l.text.c_str());
    if (l.who == "bob") at.send(line{"ann", "who else?"});
    if (l.who == "cid") at.send(line{"ann", "and dan?"});
    if (l.text == "and dan?") at.send(line{"ann", "let him sleep"});
    if (l.text == "let him sleep") break;
  }
  at.send(leave{});
}

// Says one thing, when its cue comes.
void guest(const char* name, const char* cue, const char* answer, const door& at, const ear& hear) {
  for (line& l : hear)
    if (l.text == cue) {
      at.send(line{name, answer});
      break;
    }
  at.send(leave{});
}

void reader(const ear& hear) {
  for (;;) {
    auto heard = hear.recv();
    if (heard.status() == weir::broadcast_status::lagged)
      std::printf("dan wakes up and has missed %ju lines\n", heard.missed());
    else if (heard)
      std::printf("dan reads: %s\n", heard->text.c_str());
    else
      return;  // the room is closed
  }
}

}  // namespace

int main() {
  return weir::run([] {
    inbox box({.name = "door"});
    const door at = box.address();
    const auto come_in = [&] {
      return weir::ask<ear>(
                 at, [](auto reply) { return enter{std::move(reply)}; }, 10s)
          .value();
    };
    weir::with_scope([&](weir::scope& s) {
      auto evening = s.spawn("room", [&] { room(box); });
      ear ann = come_in(), bob = come_in(), cid = come_in(), dan = come_in();  // before anybody says a word
      s.spawn("ann", [&, hear = std::move(ann)] { host(at, hear); });
      s.spawn("bob", [&, hear = std::move(bob)] { guest("bob", "is anybody here?", "I am", at, hear); });
      s.spawn("cid", [&, hear = std::move(cid)] { guest("cid", "who else?", "me", at, hear); });
      s.spawn("dan", [&at, evening, hear = std::move(dan)]() mutable {
        at.send(leave{});  // nobody waits for who sleeps
        evening.wait();
        reader(hear);
      });
    });
  });
}
