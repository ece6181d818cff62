// A chat room: everybody hears every line. The room remembers four of them; dan sleeps, and learns how many he missed.
#include <cstdio>
#include <string>

#include "weir/weir.h"

namespace {

struct line {
  std::string who, text;
};
struct door {
  int came = 0, left = 0;
};
using room = weir::broadcast_sender<line>;
using ear = weir::broadcast_receiver<line>;

void enter(const weir::watch_sender<door>& at) {
  at.update([](door& d) { ++d.came; });
}
void leave(const weir::watch_sender<door>& at) {
  at.update([](door& d) { ++d.left; });
}

// Talks, and prints all that is said.
void host(const room& say, const ear& hear) {
  say.send({"ann", "is anybody here?"});
  for (line& l : hear) {
    std::printf("%s: %s\n", l.who.c_str(), l.text.c_str());
    if (l.who == "bob") say.send({"ann", "who else?"});
    if (l.who == "cid") say.send({"ann", "and dan?"});
    if (l.text == "and dan?") say.send({"ann", "let him sleep"});
    if (l.text == "let him sleep") return;
  }
}

// Says one thing, when its cue comes.
void guest(const char* name, const char* cue, const char* answer, const room& say, const ear& hear) {
  for (line& l : hear)
    if (l.text == cue) {
      say.send({name, answer});
      return;
    }
}

void sleeper(const weir::watch_receiver<door>& seen, const ear& hear) {
  seen.wait_for([](const door& d) { return d.left == 3; });  // sleeps until the others have left
  for (;;) {
    auto heard = hear.recv();
    if (heard.status() == weir::broadcast_status::lagged)
      std::printf("dan wakes up and has missed %ju lines\n", heard.missed());
    else if (heard)
      std::printf("dan reads: %s\n", heard->text.c_str());
    else
      return;  // closed: nobody is left who could say anything
  }
}

}  // namespace

int main() {
  return weir::run([] {
    auto [say, ann] = weir::broadcast<line>(4, {.name = "room"});
    auto [at, seen] = weir::watch(door{}, "door");
    weir::with_scope([&](weir::scope& s) {
      s.spawn("ann", [say = say, hear = std::move(ann), at = at, seen = seen] {
        enter(at);
        seen.wait_for([](const door& d) { return d.came == 4; });
        host(say, hear);
        leave(at);
      });
      s.spawn("bob", [say = say, hear = say.subscribe(), at = at] {
        enter(at);
        guest("bob", "is anybody here?", "I am", say, hear);
        leave(at);
      });
      s.spawn("cid", [say = say, hear = say.subscribe(), at = at] {
        enter(at);
        guest("cid", "who else?", "me", say, hear);
        leave(at);
      });
      s.spawn("dan", [hear = say.subscribe(), at = at, seen = seen] {
        enter(at);
        sleeper(seen, hear);
      });
      say.reset(), at.reset();  // the actors hold the only copies now
    });
  });
}
